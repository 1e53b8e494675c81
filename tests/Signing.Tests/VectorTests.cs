namespace Webhooks.Signing.Tests;

public class VectorTests
{
    [Theory, MemberData(nameof(Vectors.Names), MemberType = typeof(Vectors))]
    public void Sign_PublishedVector_GivesThePublishedSignature(string name)
    {
        var it = Vectors.Named(name);
        Assert.Equal(it.Signature, WebhookSigner.Sign(it.Id, it.Timestamp, it.Body, [WebhookSecret.Parse(it.Secret)]));
    }

    [Theory, MemberData(nameof(Vectors.Names), MemberType = typeof(Vectors))]
    public void Verify_PublishedVector_Accepts(string name)
    {
        var it = Vectors.Named(name);
        var result = WebhookVerifier.Verify(
            it.Id, Given.Text(it.Timestamp), it.Signature, it.Body, [WebhookSecret.Parse(it.Secret)], it.Time);
        Assert.Equal(new VerificationResult(VerificationStatus.Valid, 0, it.Timestamp), result);
        Assert.True(result.IsValid);
    }

    [Theory, MemberData(nameof(Vectors.Names), MemberType = typeof(Vectors))]
    public void Oracle_PublishedVector_AgreesWithTheSpecification(string name)
    {
        var it = Vectors.Named(name);
        Assert.Equal(it.Signature, Oracle.Sign(Oracle.KeyOf(it.Secret), it.Id, Given.Text(it.Timestamp), it.Body));
    }

    [Theory]
    [InlineData(Vectors.WrongMac, VerificationStatus.NoMatchingSignature)]
    [InlineData("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLawdd", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1,dawfeoifkpqwoekfpqoekf", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1,g0hM9", VerificationStatus.NoMatchingSignature)]
    [InlineData("v1,", VerificationStatus.MalformedSignature)]
    [InlineData("v1", VerificationStatus.MalformedSignature)]
    [InlineData("invalid_signature", VerificationStatus.MalformedSignature)]
    [InlineData("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", VerificationStatus.MalformedSignature)]
    [InlineData("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", VerificationStatus.UnknownVersion)]
    [InlineData("V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", VerificationStatus.UnknownVersion)]
    [InlineData(Vectors.Ed25519OfA, VerificationStatus.UnknownVersion)]
    public void Verify_KnownBadSignature_IsRefusedWithTheReason(string signature, VerificationStatus reason)
    {
        var result = Given.Verified(signature: signature);
        Assert.Equal(new VerificationResult(reason, -1, Vectors.A.Timestamp), result);
        Assert.False(result.IsValid);
    }

    [Theory]
    [InlineData("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=")] // the same 32 bytes, other unused bits
    [InlineData("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE")] // without padding
    [InlineData("v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=")] // base64url
    [InlineData("v1, g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")]
    [InlineData("v1=g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")]
    public void Verify_SecondSpellingOfTheRightMac_IsRefused(string signature) =>
        Assert.False(Given.Verified(signature: signature).IsValid);

    [Fact]
    public void Verify_Ed25519EntryBesideAValidOne_IsSkipped()
    {
        Assert.True(Given.Verified(signature: $"{Vectors.Ed25519OfA} {Vectors.A.Signature}").IsValid);
        Assert.True(Given.Verified(signature: $"{Vectors.A.Signature} {Vectors.Ed25519OfA}").IsValid);
    }
}
