using System.Text;
using System.Text.Json;

namespace Webhooks.Signing.Tests;

/// <summary>No signed message can pass for one of another kind, or for one with other contents.</summary>
public class SignedContentTests
{
    private static string Signed(byte[] body, byte[]? prefix = null) =>
        WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, body, [Given.Secret], prefix);

    [Fact]
    public void FeedRequest_IsWhatTheProtocolSays() =>
        Assert.Equal("feed\nep_1\n42\n100", Encoding.UTF8.GetString(SignedContent.FeedRequest("ep_1", 42, 100)));

    [Fact]
    public void ResumeRequest_IsWhatTheProtocolSays() =>
        Assert.Equal("resume\nep_1\n3\n57", Encoding.UTF8.GetString(SignedContent.ResumeRequest("ep_1", 3, 57)));

    [Fact]
    public void AnswerPrefix_IsWhatTheProtocolSays() =>
        Assert.Equal("answer\nreq_1\n", Encoding.UTF8.GetString(SignedContent.AnswerPrefix("req_1")));

    [Fact]
    public void Kinds_EachVerifiesAsItselfAlone()
    {
        var body = Vectors.A.Body;
        (byte[] Body, byte[]? Prefix)[] kinds =
        [
            (body, null),
            (SignedContent.FeedRequest("ep_1", 1, 2), null),
            (SignedContent.ResumeRequest("ep_1", 1, 2), null),
            (body, SignedContent.AnswerPrefix("req_1")),
            (body, SignedContent.AnswerPrefix("req_2")),
        ];
        for (var signed = 0; signed < kinds.Length; signed++)
        {
            var signature = Signed(kinds[signed].Body, kinds[signed].Prefix);
            for (var taken = 0; taken < kinds.Length; taken++)
                Assert.Equal(signed == taken, Given.Verified(signature: signature, body: kinds[taken].Body, prefix: kinds[taken].Prefix).IsValid);
        }
    }

    [Fact]
    public void Kinds_OtherThanADelivery_AreNeverJson()
    {
        byte[][] kinds =
        [
            SignedContent.FeedRequest("ep_1", 1, 2), SignedContent.ResumeRequest("ep_1", 1, 2), [.. SignedContent.AnswerPrefix("req_1"), .. "{}"u8],
        ];
        foreach (var kind in kinds)
            Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(kind));
    }

    [Fact]
    public void Kinds_BeginDifferently()
    {
        Assert.True(SignedContent.FeedRequest("x", 0, 0).AsSpan().StartsWith("feed\n"u8));
        Assert.True(SignedContent.ResumeRequest("x", 0, 0).AsSpan().StartsWith("resume\n"u8));
        Assert.True(SignedContent.AnswerPrefix("x").AsSpan().StartsWith("answer\n"u8));
    }

    [Fact]
    public void FeedRequest_EveryFieldCounts()
    {
        var signature = Signed(SignedContent.FeedRequest("ep_1", 41, 100));
        foreach (var other in (byte[][])[SignedContent.FeedRequest("ep_2", 41, 100), SignedContent.FeedRequest("ep_1", 42, 100),
            SignedContent.FeedRequest("ep_1", 41, 101), SignedContent.FeedRequest("ep_1", 4, 1100)])
            Assert.False(Given.Verified(signature: signature, body: other).IsValid);
    }

    [Fact]
    public void Requests_EndpointWithLineFeeds_CannotStandForOtherFields()
    {
        // The numbers at the end have no line feed, so everything between the first and the last two is the endpoint.
        string[] endpoints = ["a", "a\n1", "a\n1\n1", "1", "\n", ""];
        long[] numbers = [1, 11, -1];
        var feeds = (from e in endpoints from after in numbers from limit in numbers
                     select Encoding.UTF8.GetString(SignedContent.FeedRequest(e, after, (int)limit))).ToList();
        var resumes = (from e in endpoints from epoch in numbers from after in numbers
                       select Encoding.UTF8.GetString(SignedContent.ResumeRequest(e, (int)epoch, after))).ToList();
        Assert.Equal(feeds.Count + resumes.Count, feeds.Concat(resumes).Distinct(StringComparer.Ordinal).Count());
    }

    // With a line feed in it, "answer\na\nb\n" + "c" and "answer\na\n" + "b\nc" would be one message.
    [Theory, InlineData("a\nb"), InlineData(""), InlineData("a.b"), InlineData("a b"), InlineData("é")]
    public void AnswerPrefix_RequestIdThatIsNoMessageId_Throws(string requestId) =>
        Assert.Equal("requestId", Assert.Throws<ArgumentException>(() => SignedContent.AnswerPrefix(requestId)).ParamName);

    [Fact]
    public void Prefix_IsSignedBetweenTimestampAndBody() =>
        Assert.Equal(
            Oracle.Sign(Oracle.KeyOf(Vectors.A.Secret), Vectors.A.Id, "1614265330", "answer\nreq_1\n{}"u8.ToArray()),
            Signed("{}"u8.ToArray(), SignedContent.AnswerPrefix("req_1")));
}
