using System.Security.Cryptography;
using System.Text.Json;

namespace Webhooks.Signing.NSec.Tests;

public class KeyTests
{
    [Fact]
    public void IsAvailable_AfterUse_BothKinds()
    {
        NSecSigning.Use();
        Assert.True(WebhookAlgorithm.IsAvailable(WebhookSecretKind.Ed25519) && WebhookAlgorithm.IsAvailable(WebhookSecretKind.Hmac));
    }

    [Fact]
    public void Pair_HasOneFingerprint_AndTwoHalvesThatAreNotEqual()
    {
        Assert.Equal(Given.Private.Fingerprint, Given.Public.Fingerprint);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Convert.FromBase64String(Vectors.PublicKey[5..])))[..8], Given.Public.Fingerprint);
        Assert.Equal(Given.Public, Given.Private.ForReceiver());
        Assert.NotEqual(Given.Public, Given.Private);
        Assert.Same(Given.Public, Given.Public.ForReceiver());
        Assert.Equal((WebhookSecretKind.Ed25519, true), (Given.Private.Kind, Given.Private.CanSign));
        Assert.Equal((WebhookSecretKind.Ed25519, false), (Given.Public.Kind, Given.Public.CanSign));
        Assert.NotEqual(Given.Public, WebhookSecret.FromBytes(Convert.FromBase64String(Vectors.PublicKey[5..])));
    }

    [Fact]
    public void Reveal_RoundTrips_WithOrWithoutPadding()
    {
        var secret = WebhookSecret.GenerateEd25519();
        foreach (var half in new[] { secret, secret.ForReceiver(), Given.Private, Given.Public })
        {
            Assert.Equal(half, WebhookSecret.Parse(half.Reveal()));
            Assert.Equal(half, WebhookSecret.Parse(half.Reveal().TrimEnd('=')));
        }

        Assert.Equal((Vectors.PrivateKey, Vectors.PublicKey), (Given.Private.Reveal(), Given.Public.Reveal()));
        Assert.NotEqual(secret.Fingerprint, WebhookSecret.GenerateEd25519().Fingerprint);
    }

    [Fact]
    public void Parse_SeedWithTheKeyOfAnother_IsRefused()
    {
        var (one, other) = (Convert.FromBase64String(Vectors.PrivateKey[5..]), Convert.FromBase64String(WebhookSecret.GenerateEd25519().Reveal()[5..]));
        Assert.False(WebhookSecret.TryParse("whsk_" + Convert.ToBase64String([.. one[..32], .. other[32..]]), out _, out var error));
        Assert.Contains("not that of its seed", error, StringComparison.Ordinal);
        AssertHidden(error);
    }

    [Theory]
    [InlineData("whsk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "64 bytes")]
    [InlineData("whpk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", "the sender's alone")]
    [InlineData("whsec_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "")] // 32 bytes: a symmetric secret, though nobody's
    public void Parse_WrongPrefix_NamesTheRule(string text, string rule)
    {
        if (WebhookSecret.TryParse(text, out _, out var error)) Assert.Empty(rule);
        else Assert.Contains(rule, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Secret_NeverPrintsItself()
    {
        AssertHidden(Given.Private.ToString());
        AssertHidden($"{Given.Private} {new { Secret = Given.Private }}");
        AssertHidden(JsonSerializer.Serialize(Given.Private));
        AssertHidden(Assert.Throws<ArgumentException>(() => WebhookSigner.Sign("a.b", 1, [], [Given.Private])).ToString());
        AssertHidden(Assert.Throws<FormatException>(() => WebhookSecret.Parse(Vectors.PrivateKey + "\n")).ToString());
        AssertHidden(Assert.Throws<FormatException>(() => WebhookSecret.Parse(Vectors.PrivateKey[..60])).ToString());
        AssertHidden(Assert.Throws<FormatException>(() => WebhookSecret.Parse(Vectors.PrivateKey.Replace("whsk_", "whpk_", StringComparison.Ordinal))).ToString());
        Assert.Contains(Given.Private.Fingerprint, Given.Private.ToString(), StringComparison.Ordinal);
    }

    private static void AssertHidden(string text)
    {
        // Of the seed; what follows in a private key is public.
        for (var at = 5; at + 8 <= 45; at++) Assert.DoesNotContain(Vectors.PrivateKey.Substring(at, 8), text, StringComparison.Ordinal);
    }
}
