namespace Webhooks.Signing.Tests;

/// <summary>Ed25519 where nothing computes it: known by name, refused with what is missing, and in nobody's way. What it does is in Signing.NSec.Tests.</summary>
public class KindTests
{
    private const string Private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    private const string Public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

    [Theory, InlineData(Private), InlineData(Public)]
    public void Parse_Ed25519WithoutThePackage_NamesThePackageAndHidesTheKey(string text)
    {
        Assert.False(WebhookSecret.TryParse(text, out var secret, out var error));
        Assert.Null(secret);
        Assert.Contains("Webhooks.Signing.NSec", error, StringComparison.Ordinal);
        Assert.Contains("NSecSigning.Use()", error, StringComparison.Ordinal);
        Assert.DoesNotContain(text[5..13], error, StringComparison.Ordinal);
        Assert.Equal(error, Assert.Throws<FormatException>(() => WebhookSecret.Parse(text)).Message);
    }

    [Fact]
    public void Generate_Ed25519WithoutThePackage_NamesThePackage() =>
        Assert.Contains("Webhooks.Signing.NSec", Assert.Throws<InvalidOperationException>(WebhookSecret.GenerateEd25519).Message, StringComparison.Ordinal);

    [Fact]
    public void IsAvailable_WithoutThePackage_OnlyHmac()
    {
        Assert.True(WebhookAlgorithm.IsAvailable(WebhookSecretKind.Hmac));
        Assert.False(WebhookAlgorithm.IsAvailable(WebhookSecretKind.Ed25519));
    }

    /// <summary>What is wrong with the text is told before what is missing here.</summary>
    [Theory]
    [InlineData("whsk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "64 bytes, a seed and its public key; this one has 32")]
    [InlineData("whsk_", "this one has 0")]
    [InlineData("whpk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", "A private key has as many")]
    [InlineData("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "32 bytes; this one has 24")]
    [InlineData("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir!=", "not base64")]
    [InlineData("whsk_6Xb/dCcHpPea 1PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", "not base64")]
    [InlineData("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=\n", "white space")]
    public void Parse_MalformedEd25519_NamesTheRule(string text, string rule)
    {
        Assert.False(WebhookSecret.TryParse(text, out _, out var error));
        Assert.Contains(rule, error, StringComparison.Ordinal);
        if (text.Length > 13) Assert.DoesNotContain(text[5..13], error, StringComparison.Ordinal);
    }

    [Fact]
    public void SymmetricSecret_IsItsReceiversToo()
    {
        Assert.Equal((WebhookSecretKind.Hmac, true), (Given.Secret.Kind, Given.Secret.CanSign));
        Assert.Same(Given.Secret, Given.Secret.ForReceiver());
    }

    /// <summary>A receiver of symmetric secrets meets a sender that signs with both kinds, or with the other alone.</summary>
    [Fact]
    public void Verify_Ed25519Entries_AreNoneOfAReceiverWithSymmetricSecrets()
    {
        var foreign = string.Join(' ', Enumerable.Repeat(Vectors.Ed25519OfA, 15));
        Assert.True(Given.Verified(signature: $"{foreign} {Vectors.A.Signature}").IsValid);
        Assert.Equal(VerificationStatus.UnknownVersion, Given.Status(signature: foreign));
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(signature: $"{Vectors.Ed25519OfA} {Vectors.WrongMac}"));
        // A MAC under the other version's name, and the other way round.
        Assert.False(Given.Verified(signature: "v1a" + Vectors.A.Signature[2..]).IsValid);
        Assert.False(Given.Verified(signature: "v1" + Vectors.Ed25519OfA[3..]).IsValid);
    }
}
