namespace Webhooks.Signing.NSec.Tests;

public class SignatureTests
{
    [Fact]
    public void Sign_PublishedVector_GivesThePublishedSignature() => Assert.Equal(Vectors.Signature, Given.Signed(Given.Private));

    [Fact]
    public void Verify_PublishedVector_AcceptsWithThePublicKeyAlone() =>
        Assert.Equal(new VerificationResult(VerificationStatus.Valid, 0, Vectors.Timestamp), Given.Verified());

    [Fact]
    public void Sign_MixedSecrets_GivesAnEntryForEachInTheirOrder()
    {
        Assert.Equal($"{Vectors.Signature} {Vectors.SymmetricSignature}", Given.Signed(Given.Private, Given.Symmetric));
        Assert.Equal($"{Vectors.SymmetricSignature} {Vectors.Signature}", Given.Signed(Given.Symmetric, Given.Private));
        WebhookSecret[] many = [.. Enumerable.Range(0, 8).SelectMany(_ => new[] { WebhookSecret.Generate(), WebhookSecret.GenerateEd25519() })];
        var entries = Given.Signed(many).Split(' ');
        Assert.Equal(16, entries.Length);
        for (var i = 0; i < entries.Length; i++) Assert.Equal(0, Given.Verified(entries[i], secrets: [many[i].ForReceiver()]).SecretIndex);
    }

    /// <summary>Promise 7: whichever of its live secrets a receiver holds.</summary>
    [Fact]
    public void Verify_MixedHeader_TakesWhatAnyOfTheSecretsMade()
    {
        foreach (var header in new[] { $"{Vectors.Signature} {Vectors.SymmetricSignature}", $"{Vectors.SymmetricSignature} {Vectors.Signature}" })
        {
            Assert.Equal(0, Given.Verified(header).SecretIndex);
            Assert.Equal(0, Given.Verified(header, secrets: [Given.Symmetric]).SecretIndex);
            Assert.Equal(1, Given.Verified(header, secrets: [WebhookSecret.GenerateEd25519().ForReceiver(), Given.Public]).SecretIndex);
            Assert.Equal(2, Given.Verified(header, secrets: [WebhookSecret.Generate(), WebhookSecret.GenerateEd25519().ForReceiver(), Given.Symmetric]).SecretIndex);
        }
    }

    [Fact]
    public void Verify_AmongWrongEntries_FindsTheRightOne()
    {
        var wrong = Given.Signed(WebhookSecret.GenerateEd25519());
        Assert.True(Given.Verified($"{string.Join(' ', Enumerable.Repeat(wrong, 15))} {Vectors.Signature}").IsValid);
        Assert.True(Given.Verified($"v1a,x v2,AAAA junk v1a, {Vectors.SymmetricSignature} {Vectors.Signature}").IsValid);
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Verified(wrong).Status);
    }

    [Fact]
    public void Verify_AnotherMessage_IsRefused()
    {
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Verified(body: [.. Vectors.Body, (byte)' ']).Status);
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Verified(body: []).Status);
        Assert.False(WebhookVerifier.VerifyIgnoringTimestamp(Vectors.Id, "1614265331", Vectors.Signature, Vectors.Body, [Given.Public]).IsValid);
        Assert.False(WebhookVerifier.VerifyIgnoringTimestamp("msg_2", "1614265330", Vectors.Signature, Vectors.Body, [Given.Public]).IsValid);
        Assert.False(WebhookVerifier.VerifyIgnoringTimestamp(
            Vectors.Id, "1614265330", Vectors.Signature, Vectors.Body, [Given.Public], SignedContent.AnswerPrefix("req_1")).IsValid);
    }

    [Theory]
    [InlineData("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", VerificationStatus.UnknownVersion)] // what a symmetric secret made
    [InlineData("v1,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==", VerificationStatus.UnknownVersion)]
    [InlineData("v1A,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==", VerificationStatus.UnknownVersion)]
    [InlineData("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAh==", VerificationStatus.NoMatchingSignature)] // the same bytes
    [InlineData("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw_enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM-m7TBAg==", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBA\u0101==", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1a,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1a,", VerificationStatus.MalformedSignature)]
    public void Verify_NotTheOneSpellingOfTheSignature_IsRefused(string signature, VerificationStatus reason) =>
        Assert.Equal(reason, Given.Verified(signature).Status);

    /// <summary>A second s for the same message, s + L, which a careless check takes as well.</summary>
    [Fact]
    public void Verify_SignatureWithAnotherScalar_IsRefused()
    {
        var bytes = Convert.FromBase64String(Vectors.Signature[4..]);
        var order = Convert.FromHexString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        for (var (i, carry) = (0, 0); i < 32; i++)
        {
            carry += bytes[32 + i] + order[i];
            bytes[32 + i] = (byte)carry;
            carry >>= 8;
        }

        Assert.False(Given.Verified("v1a," + Convert.ToBase64String(bytes)).IsValid);
    }

    /// <summary>A stranger's header cannot have a body read through the signature check without end.</summary>
    [Fact]
    public void Verify_ManyKeysAndManyEntries_StopsAtTheLimit()
    {
        WebhookSecret[] keys = [.. Enumerable.Range(0, 8).Select(_ => WebhookSecret.GenerateEd25519().ForReceiver())];
        var wrong = string.Join(' ', Enumerable.Repeat(Given.Signed(WebhookSecret.GenerateEd25519()), 15));
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Verified($"{wrong} {Vectors.Signature}", secrets: [.. keys, Given.Public]).Status);
        Assert.Equal(1, Given.Verified($"{wrong} {Vectors.Signature}", secrets: [keys[0], Given.Public]).SecretIndex);
        // Entries that are no signatures at all do not count, and MACs are not held back.
        Assert.Equal(9, Given.Verified($"{wrong} {Vectors.SymmetricSignature}", secrets: [.. keys, Given.Public, Given.Symmetric]).SecretIndex);
    }

    [Fact]
    public void Sign_WithAPublicKey_SaysWhatIsWrong()
    {
        var refusal = Assert.Throws<ArgumentException>(() => Given.Signed(Given.Symmetric, Given.Public));
        Assert.Contains("only verifies", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Vectors.PublicKey[5..13], refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Sign_ManyThreadsWithOneKey_EachGetsItsOwnSignature()
    {
        var secret = WebhookSecret.GenerateEd25519();
        var holders = new[] { secret.ForReceiver() };
        Parallel.For(0, 500, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            byte[] body = [(byte)i, (byte)(i >> 8)];
            var header = WebhookSigner.Sign($"evt_{i}", i, body, [secret]);
            Assert.True(WebhookVerifier.VerifyIgnoringTimestamp($"evt_{i}", $"{i}", header, body, holders).IsValid);
            Assert.False(WebhookVerifier.VerifyIgnoringTimestamp($"evt_{i + 1}", $"{i}", header, body, holders).IsValid);
        });
    }
}
