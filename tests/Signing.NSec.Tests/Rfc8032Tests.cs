using System.Security.Cryptography;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>RFC 8032 (Ed25519) and RFC 4231's HMAC-SHA256, as the seam gives them to the library.</summary>
public class Rfc8032Tests
{
    private static readonly Ed25519Algorithm Ed25519 = new();

    [Theory, MemberData(nameof(Vectors.Rfc8032), MemberType = typeof(Vectors))]
    public void Vector_OfTheRfc_SignsVerifiesAndHasItsPublicKey(string name, string seed, string publicKey, string message, string signature)
    {
        Assert.NotEmpty(name);
        var (content, expected) = (Convert.FromHexString(message), Convert.FromHexString(signature));
        var pair = Ed25519.CreateKey(Convert.FromHexString(seed));
        var (made, own) = (new byte[64], new byte[32]);
        pair.CopyPublicKey(own);
        Assert.Equal(publicKey, Convert.ToHexStringLower(own));
        pair.Sign(content, made);
        Assert.Equal(signature, Convert.ToHexStringLower(made));

        var verifier = Ed25519.CreatePublicKey(own)!;
        Assert.True(pair.Verify(content, expected) && verifier.Verify(content, expected));
        Assert.False(verifier.Verify([.. content, 0], expected));
        for (var bit = 0; bit < 512; bit += 37)
        {
            var spoilt = (byte[])expected.Clone();
            spoilt[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(verifier.Verify(content, spoilt), $"bit {bit}");
        }

        Assert.Throws<InvalidOperationException>(() => verifier.Sign(content, made));
    }

    [Theory, MemberData(nameof(Vectors.Rfc8032), MemberType = typeof(Vectors))]
    public void Vector_OfTheRfc_IsAWrittenPair(string name, string seed, string publicKey, string message, string signature)
    {
        Assert.NotEmpty(name + message + signature);
        byte[] pair = [.. Convert.FromHexString(seed), .. Convert.FromHexString(publicKey)];
        var secret = WebhookSecret.Parse("whsk_" + Convert.ToBase64String(pair));
        Assert.Equal("whpk_" + Convert.ToBase64String(pair[32..]), secret.ForReceiver().Reveal());
        Assert.Equal("whsk_" + Convert.ToBase64String(pair), secret.Reveal());
    }

    [Fact]
    public void Hmac_OfEveryLengthThatItTakes_IsThePlatforms()
    {
        var algorithm = new HmacAlgorithm();
        for (var length = WebhookSecret.MinBytes; length <= WebhookSecret.MaxBytes; length++)
        {
            var key = RandomNumberGenerator.GetBytes(length);
            if (algorithm.CreateKey(key) is not { } hmac)
            {
                Assert.InRange(length, 33, 64);
                continue;
            }

            var (content, mac) = (RandomNumberGenerator.GetBytes(length * 10), new byte[32]);
            hmac.Sign(content, mac);
            Assert.Equal(HMACSHA256.HashData(key, content), mac);
        }
    }

    [Fact]
    public void Use_WithHmac_GivesTheSameSignatures()
    {
        var (long1, before) = (WebhookSecret.Generate(64), Given.Signed(Given.Symmetric));
        var longBefore = Given.Signed(long1);
        NSecSigning.Use(hmac: true);
        Assert.Equal(before, Given.Signed(WebhookSecret.Parse(Vectors.Symmetric)));
        Assert.Equal(longBefore, Given.Signed(WebhookSecret.Parse(long1.Reveal())));
        Assert.True(Given.Verified(Vectors.SymmetricSignature, secrets: [WebhookSecret.Parse(Vectors.Symmetric)]).IsValid);
    }
}
