namespace Webhooks.Signing.Tests;

/// <summary>Promise 7: during the overlap every request bears a signature of each live secret, and a receiver takes any of its own.</summary>
public class RotationTests
{
    private static readonly WebhookSecret Old = Given.Key(1), New = Given.Key(2), Foreign = Given.Key(3);

    private static string Signed(params WebhookSecret[] secrets) =>
        WebhookSigner.Sign(Vectors.A.Id, Vectors.A.Timestamp, Vectors.A.Body, secrets);

    [Fact]
    public void Sign_SeveralSecrets_GivesOneEntryEachInTheirOrder() => Assert.Equal($"{Signed(New)} {Signed(Old)}", Signed(New, Old));

    [Fact]
    public void Sign_SixteenSecrets_FitsWhatAVerifierReads()
    {
        WebhookSecret[] secrets = [.. Enumerable.Range(0, 16).Select(i => Given.Key(i))];
        var signature = Signed(secrets);
        Assert.Equal((16 * 48) - 1, signature.Length);
        for (var i = 0; i < 16; i++)
            Assert.True(Given.Verified(signature: signature, secrets: [secrets[i]]).IsValid);
    }

    [Theory, InlineData(0), InlineData(17)]
    public void Sign_NoSecretOrMoreThanSixteen_Throws(int count)
    {
        WebhookSecret[] secrets = [.. Enumerable.Range(0, count).Select(i => Given.Key(i))];
        Assert.Equal("secrets", Assert.Throws<ArgumentException>(() => Signed(secrets)).ParamName);
    }

    [Fact]
    public void Verify_SignedWithBoth_ReceiverWithEitherAccepts()
    {
        Assert.True(Given.Verified(signature: Signed(New, Old), secrets: [Old]).IsValid);
        Assert.True(Given.Verified(signature: Signed(New, Old), secrets: [New]).IsValid);
    }

    [Fact]
    public void Verify_SignedWithOne_ReceiverWithBothAcceptsAndNamesWhich()
    {
        Assert.Equal(0, Given.Verified(signature: Signed(New), secrets: [New, Old]).SecretIndex);
        Assert.Equal(1, Given.Verified(signature: Signed(Old), secrets: [New, Old]).SecretIndex);
    }

    [Fact]
    public void Verify_SeveralSecretsMatch_NamesTheFirstOfTheReceivers() =>
        Assert.Equal(0, Given.Verified(signature: Signed(Old, New), secrets: [New, Old]).SecretIndex);

    [Fact]
    public void Verify_EveryPairOfPlaces_FindsTheMatch()
    {
        WebhookSecret[] held = [.. Enumerable.Range(10, 4).Select(i => Given.Key(i))];
        WebhookSecret[] strange = [.. Enumerable.Range(20, 3).Select(i => Given.Key(i))];
        for (var secret = 0; secret < held.Length; secret++)
        {
            for (var place = 0; place <= strange.Length; place++)
            {
                var signature = Signed([.. strange[..place], held[secret], .. strange[place..]]);
                Assert.Equal(new VerificationResult(VerificationStatus.Valid, secret, Vectors.A.Timestamp),
                    Given.Verified(signature: signature, secrets: held));
            }
        }
    }

    [Fact]
    public void Verify_NeitherSecretSigned_IsRefusedAndNamesNone() =>
        Assert.Equal(new VerificationResult(VerificationStatus.NoMatchingSignature, -1, Vectors.A.Timestamp),
            Given.Verified(signature: Signed(Foreign), secrets: [New, Old]));

    [Fact]
    public void Verify_WholeRotation_NoStepRejects()
    {
        // Sender and receiver never change in the same moment; each step moves one side only.
        (WebhookSecret[] Sender, WebhookSecret[] Receiver)[] steps =
            [([Old], [Old]), ([New, Old], [Old]), ([New, Old], [New, Old]), ([New], [New, Old]), ([New], [New])];
        foreach (var (sender, receiver) in steps)
            Assert.True(Given.Verified(signature: Signed(sender), secrets: receiver).IsValid);
        Assert.False(Given.Verified(signature: Signed(Old), secrets: [New]).IsValid);
    }
}
