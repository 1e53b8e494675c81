using System.Reflection;

namespace Webhooks.Signing.Tests;

/// <summary>Every way a request's parts can be absent, malformed or altered, and the word for it.</summary>
public class RequestPartsTests
{
    [Fact]
    public void Verify_MissingId_IsNamed() => Assert.Equal(VerificationStatus.MissingId, Given.Status(id: ""));

    [Fact]
    public void Verify_MissingTimestamp_IsNamed() => Assert.Equal(VerificationStatus.MissingTimestamp, Given.Status(timestamp: ""));

    [Fact]
    public void Verify_MissingSignature_IsNamed() => Assert.Equal(VerificationStatus.MissingSignature, Given.Status(signature: ""));

    [Fact]
    public void Verify_NullParts_AreMissingNotErrors()
    {
        Assert.Equal(VerificationStatus.MissingId, WebhookVerifier.Verify(null, null, null, null, null, Vectors.A.Time).Status);
        Assert.Equal(
            VerificationStatus.MissingSignature,
            WebhookVerifier.Verify(Vectors.A.Id, "1614265330", null, Vectors.A.Body, [Given.Secret], Vectors.A.Time).Status);
    }

    [Fact]
    public void Verify_WithoutAnySecret_NeverAccepts() => Assert.Equal(VerificationStatus.NoSecret, Given.Status(secrets: []));

    [Fact]
    public void Verify_NothingSignedAndNoSecret_NeverAccepts() =>
        Assert.Equal(VerificationStatus.MissingSignature, Given.Status(signature: "", secrets: []));

    [Fact]
    public void DefaultResult_IsNotAccepted()
    {
        Assert.False(default(VerificationResult).IsValid);
        Assert.Equal(VerificationStatus.None, default(VerificationResult).Status);
    }

    [Fact]
    public void OnlyOneStatusIsAccepted() =>
        Assert.Equal([VerificationStatus.Valid], Enum.GetValues<VerificationStatus>().Where(it => new VerificationResult(it).IsValid));

    public static TheoryData<string> IdsOutsideTheRule => new(
        "msg.1", ".", "msg 1", " msg", "msg\t", "msg\n1", "msg\r\nwebhook-id: x", "msg\0", "msg\u007f", "mśg", "мсг", "msg\ud83d\ude00", "\ud800",
        new string('a', 257));

    [Theory, MemberData(nameof(IdsOutsideTheRule))]
    public void Verify_IdOutsideTheRule_IsRefusedThoughTheMacIsRight(string id)
    {
        var signature = Oracle.Sign(Oracle.KeyOf(Vectors.A.Secret), id, "1614265330", Vectors.A.Body);
        Assert.Equal(VerificationStatus.MalformedId, Given.Status(id: id, signature: signature));
    }

    [Theory, MemberData(nameof(IdsOutsideTheRule)), InlineData("")]
    public void Sign_IdOutsideTheRule_Throws(string id) =>
        Assert.Equal("id", Assert.Throws<ArgumentException>(() => WebhookSigner.Sign(id, 1, [], [Given.Secret])).ParamName);

    [Theory, InlineData("a"), InlineData("!"), InlineData("~"), InlineData("""evt_/\"'<>{},;:=%00""")]
    public void SignAndVerify_AnyVisibleAsciiId_RoundTrips(string id)
    {
        var signature = WebhookSigner.Sign(id, 1614265330, Vectors.A.Body, [Given.Secret]);
        Assert.Equal(Oracle.Sign(Oracle.KeyOf(Vectors.A.Secret), id, "1614265330", Vectors.A.Body), signature);
        Assert.True(Given.Verified(id: id, signature: signature).IsValid);
    }

    [Fact]
    public void SignAndVerify_LongestId_RoundTrips()
    {
        var id = new string('a', 256);
        Assert.True(Given.Verified(id: id, signature: WebhookSigner.Sign(id, 1614265330, Vectors.A.Body, [Given.Secret])).IsValid);
    }

    [Fact]
    public void Verify_OtherId_IsRefused() =>
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(id: Vectors.A.Id + "x"));

    [Fact]
    public void Verify_TamperedTimestampInsideTheTolerance_IsRefused() =>
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(timestamp: "1614265331"));

    [Fact]
    public void Verify_PartsShiftedAcrossTheFullStop_IsRefused()
    {
        // "id" + "." + "ts" must have one reading only: neither part can hold a full stop.
        Assert.Equal(VerificationStatus.MalformedId, Given.Status(id: $"{Vectors.A.Id}.1614265330", timestamp: "1"));
        Assert.Equal(VerificationStatus.MalformedTimestamp, Given.Status(timestamp: """1614265330.{"test": 2432232314}""", body: []));
    }

    [Fact]
    public void HeaderNames_AreLowerCaseAndAsPublished() =>
        Assert.Equal(
            ["webhook-id", "webhook-signature", "webhook-timestamp"],
            typeof(WebhookHeaders).GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(it => (string)it.GetRawConstantValue()!).Order(StringComparer.Ordinal));
}
