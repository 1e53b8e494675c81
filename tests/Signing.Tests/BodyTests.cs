using System.Text;

namespace Webhooks.Signing.Tests;

/// <summary>The body is signed as bytes: never decoded, normalised or copied onto the stack.</summary>
public class BodyTests
{
    private static readonly Dictionary<string, byte[]> Bodies = new()
    {
        ["empty"] = [],
        ["one byte"] = [0x31],
        ["zero bytes"] = new byte[100],
        ["not UTF-8"] = [0xff, 0xfe, 0xc3, 0x28, 0x80],
        ["UTF-8 with byte order mark"] = [0xef, 0xbb, 0xbf, .. "{}"u8],
        ["UTF-16 with byte order mark"] = [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("{}")],
        ["lone surrogate encoded"] = [0xed, 0xa0, 0x80],
        ["composed and decomposed"] = Encoding.UTF8.GetBytes("\u00e9 e\u0301 \ud83d\ude00"),
        ["CRLF and trailing line end"] = "{\r\n}\r\n"u8.ToArray(),
        ["256 KiB"] = Filled(256 << 10),
        ["256 KiB and a byte"] = Filled((256 << 10) + 1),
        ["8 MiB"] = Filled(8 << 20),
    };

    public static TheoryData<string> Names => [.. Bodies.Keys];

    [Theory, MemberData(nameof(Names))]
    public void SignAndVerify_AnyBytes_AreTakenAsTheyAre(string name)
    {
        var body = Bodies[name];
        var signature = WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, body, [Given.Secret]);
        Assert.Equal(Oracle.Sign(Oracle.KeyOf(Vectors.A.Secret), Vectors.A.Id, "1614265330", body), signature);
        Assert.True(Given.Verified(signature: signature, body: body).IsValid);
        Assert.False(Given.Verified(signature: signature, body: [.. body, 0]).IsValid);
    }

    [Fact]
    public void Verify_EmptyPayload_Verifies()
    {
        var signature = WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, default, [Given.Secret]);
        Assert.True(WebhookVerifier.Verify(Vectors.A.Id, "1614265330", signature, default, [Given.Secret], Vectors.A.Time).IsValid);
        Assert.True(WebhookVerifier.Verify(Vectors.A.Id, "1614265330", signature, ReadOnlySpan<byte>.Empty, [Given.Secret], Vectors.A.Time).IsValid);
    }

    [Fact]
    public void Verify_ByteOrderMarkAddedOrLost_IsRefused()
    {
        byte[] marked = [0xef, 0xbb, 0xbf, .. Vectors.A.Body];
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(body: marked));
        var signature = WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, marked, [Given.Secret]);
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(signature: signature));
    }

    [Fact]
    public void Verify_DistinctInvalidUtf8_IsNotConfused()
    {
        // Decoded to text both would be the replacement character.
        var signature = WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, [0xff], [Given.Secret]);
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(signature: signature, body: [0xfe]));
    }

    [Theory, InlineData("""{"test":2432232314}"""), InlineData("""{"test": 2432232314} """), InlineData("""{"test": 2432232314.0}""")]
    public void Verify_SameJsonInOtherBytes_IsRefused(string body) =>
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(body: Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void SignAndVerify_LargeBodyOnASmallStack_NeedNoStackForIt()
    {
        var body = Filled(4 << 20);
        var valid = false;
        var thread = new Thread(
            () =>
            {
                var signature = WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, body, [Given.Secret]);
                valid = Given.Verified(signature: signature, body: body).IsValid;
            },
            maxStackSize: 256 << 10);
        thread.Start();
        thread.Join();
        Assert.True(valid);
    }

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
