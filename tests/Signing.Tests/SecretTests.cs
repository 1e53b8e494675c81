using System.Security.Cryptography;
using System.Text;

namespace Webhooks.Signing.Tests;

public class SecretTests
{
    [Fact]
    public void Parse_WithOrWithoutPrefix_IsTheSameSecret() =>
        Assert.Equal(WebhookSecret.Parse(Vectors.A.Secret), WebhookSecret.Parse(Vectors.A.Secret["whsec_".Length..]));

    [Fact]
    public void FromBytes_RawKey_IsTheSameSecret() => Assert.Equal(Given.Secret, WebhookSecret.FromBytes(Oracle.KeyOf(Vectors.A.Secret)));

    [Fact]
    public void FromBytes_KeepsACopy()
    {
        var key = Oracle.KeyOf(Vectors.A.Secret);
        var secret = WebhookSecret.FromBytes(key);
        key[0] ^= 1;
        Assert.Equal(Given.Secret, secret);
    }

    [Fact]
    public void Reveal_RoundTripsEveryLength()
    {
        for (var length = WebhookSecret.MinBytes; length <= WebhookSecret.MaxBytes; length++)
        {
            var secret = WebhookSecret.Generate(length);
            Assert.StartsWith("whsec_", secret.Reveal(), StringComparison.Ordinal);
            Assert.Equal(length, Oracle.KeyOf(secret.Reveal()).Length);
            Assert.Equal(secret, WebhookSecret.Parse(secret.Reveal()));
        }
    }

    [Fact]
    public void Parse_PaddingLost_IsTheSameSecretAtEveryLength()
    {
        for (var length = WebhookSecret.MinBytes; length <= WebhookSecret.MaxBytes; length++)
        {
            var secret = WebhookSecret.Generate(length);
            Assert.Equal(secret, WebhookSecret.Parse(secret.Reveal().TrimEnd('=')));
        }
    }

    [Fact]
    public void Parse_UnpaddedVector_SignsAsItsBytes() =>
        Assert.Equal(
            Oracle.Sign([.. Oracle.KeyOf(Vectors.A.Secret), 0x06], "msg_1", "1", [1]),
            WebhookSigner.Sign("msg_1", 1, [1], [WebhookSecret.Parse(Vectors.A.Secret + "Br")]));

    [Theory, InlineData(0), InlineData(1), InlineData(23), InlineData(65), InlineData(66), InlineData(67), InlineData(1000), InlineData(100_000)]
    public void Parse_TooShortOrTooLong_NamesTheRule(int length)
    {
        var written = "whsec_" + Convert.ToBase64String(new byte[length]);
        foreach (var text in (string[])[written, written.TrimEnd('=')])
            Assert.Contains("64", Refusal(text), StringComparison.Ordinal);
        Assert.Contains("24 to 64", Assert.Throws<ArgumentException>(() => WebhookSecret.FromBytes(new byte[length])).Message,
            StringComparison.Ordinal);
    }

    [Theory, InlineData(24), InlineData(64)]
    public void FromBytes_LeastAndGreatestLength_AreTaken(int length) =>
        Assert.Equal(WebhookSecret.FromBytes(new byte[length]), WebhookSecret.Parse("whsec_" + Convert.ToBase64String(new byte[length])));

    [Theory, InlineData(null), InlineData("")]
    public void Parse_NothingAtAll_SaysEmpty(string? text) => Assert.Contains("empty", Refusal(text), StringComparison.Ordinal);

    [Fact]
    public void Parse_PrefixAlone_SaysHowManyBytes() => Assert.Contains("this one has 0", Refusal("whsec_"), StringComparison.Ordinal);

    [Theory, InlineData("{0}\n"), InlineData("{0}\r\n"), InlineData("{0} "), InlineData(" {0}"), InlineData("\t{0}"), InlineData("\ufeff {0}\u2028"),
     InlineData("{0}\u00a0")]
    public void Parse_WhiteSpaceOrLineEndAround_IsNamed(string format)
    {
        var refusal = Refusal(string.Format(null, format, Vectors.A.Secret));
        Assert.Contains("white space", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjU\nPD8ILPZIo2LaLaSw")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjU\r\n\r\nPD8ILPZIo2LaLaSw")] // four characters, so that the length looks right
    [InlineData("whsec_    MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjU-D8ILPZIo2LaLa_w")] // base64url
    [InlineData("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw====")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwB")] // no byte string has this many characters
    [InlineData("whsec_MfKQ9r8GKYqr=wjUPD8ILPZIo2LaLaSw")]
    [InlineData("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")]
    [InlineData("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw|whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    [InlineData("whsec_секретсекретсекретсекретсекрет")]
    public void Parse_NotBase64_IsRefused(string text) => Assert.NotEmpty(Refusal(text));

    [Theory, InlineData(23), InlineData(65), InlineData(0), InlineData(-1)]
    public void Generate_LengthOutsideTheRule_Throws(int bytes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => WebhookSecret.Generate(bytes));

    [Fact]
    public void Generate_Twice_GivesTwoSecretsOf32Bytes()
    {
        var (one, two) = (WebhookSecret.Generate(), WebhookSecret.Generate());
        Assert.NotEqual(one, two);
        Assert.NotEqual(one.Fingerprint, two.Fingerprint);
        Assert.Equal(32, Oracle.KeyOf(one.Reveal()).Length);
    }

    [Fact]
    public void Equality_IsByKey()
    {
        var same = WebhookSecret.Parse(Vectors.A.Secret);
        Assert.True(same.Equals((object)Given.Secret));
        Assert.Equal(Given.Secret.GetHashCode(), same.GetHashCode());
        Assert.False(same.Equals((object?)null));
        Assert.False(same.Equals("whsec_"));
        Assert.NotEqual(same, WebhookSecret.Parse(Vectors.B.Secret));
        Assert.NotEqual(WebhookSecret.FromBytes(new byte[24]), WebhookSecret.FromBytes(new byte[25]));
    }

    /// <summary>A secret keeps one keyed hash for the next message; whoever finds it in use by somebody else does without.</summary>
    [Fact]
    public void Sign_ManyThreadsWithOneSecret_EachGetsItsOwnSignature()
    {
        var secret = WebhookSecret.Generate();
        var key = Oracle.KeyOf(secret.Reveal());
        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            var body = Encoding.ASCII.GetBytes($"{{\"n\":{i}}}");
            byte[] content = [.. Encoding.ASCII.GetBytes($"evt_{i}.{i}."), .. body];
            var expected = Convert.ToBase64String(HMACSHA256.HashData(key, content));
            Assert.Equal($"v1,{expected}", WebhookSigner.Sign($"evt_{i}", i, body, [secret]));
        });
    }

    private static string Refusal(string? text)
    {
        Assert.False(WebhookSecret.TryParse(text, out var secret, out var error));
        Assert.Null(secret);
        Assert.Equal(error, Assert.Throws<FormatException>(() => WebhookSecret.Parse(text!)).Message);
        return error;
    }
}
