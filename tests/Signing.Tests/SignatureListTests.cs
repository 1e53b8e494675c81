namespace Webhooks.Signing.Tests;

public class SignatureListTests
{
    private static readonly string Good = Vectors.A.Signature;

    [Fact]
    public void Verify_ValidSignatureLastInList_Accepts() => Assert.True(Given.Verified(signature: $"{Vectors.WrongMac} {Good}").IsValid);

    [Fact]
    public void Verify_ValidSignatureFirstInList_Accepts() => Assert.True(Given.Verified(signature: $"{Good} {Vectors.WrongMac}").IsValid);

    [Fact]
    public void Verify_ValidSignatureAmongWrongOnesAndUnknownVersions_Accepts() =>
        Assert.True(Given.Verified(signature: $"{Vectors.WrongMac} v2,{Good[3..]} {Good} {Vectors.WrongMac}").IsValid);

    [Fact]
    public void Verify_ListWithoutAValidSignature_IsRefused() =>
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(signature: $"{Vectors.WrongMac} v2,{Good[3..]} {Vectors.WrongMac}"));

    [Theory]
    [InlineData("junk")]
    [InlineData(",")]
    [InlineData("v1,")]
    [InlineData(",abc")]
    [InlineData("v1,***not-base64***")]
    [InlineData("v1,a,b,c")]
    [InlineData("v1,////////////////////////////////////////////")]
    [InlineData("v1a,AAAA")]
    [InlineData("\u0000\u0001")]
    [InlineData("\t")]
    [InlineData("ключ,подпись")]
    [InlineData("v1,ααααααααααααααααααααααααααααααααααααααααααα=")]
    [InlineData("\ud800,\udfff")]
    public void Verify_JunkEntryBesideAValidOne_IsSkipped(string junk)
    {
        Assert.True(Given.Verified(signature: $"{junk} {Good}").IsValid);
        Assert.True(Given.Verified(signature: $"{Good} {junk}").IsValid);
        Assert.False(Given.Verified(signature: junk).IsValid);
    }

    [Theory, InlineData(" "), InlineData("   "), InlineData("junk"), InlineData("junk more junk"), InlineData(", ,"), InlineData("v1")]
    public void Verify_OnlyJunk_IsMalformed(string signature) =>
        Assert.Equal(VerificationStatus.MalformedSignature, Given.Status(signature: signature));

    [Fact]
    public void Verify_SpacesAroundEntries_DoNotMatter() => Assert.True(Given.Verified(signature: $"  {Vectors.WrongMac}   {Good}  ").IsValid);

    [Theory, InlineData('\t'), InlineData('\n'), InlineData(','), InlineData(';'), InlineData('\u00a0')]
    public void Verify_OtherSeparators_DoNotSeparate(char separator) =>
        Assert.False(Given.Verified(signature: $"{Vectors.WrongMac}{separator}{Good}").IsValid);

    [Fact]
    public void Verify_SixteenSignatures_AreAllRead() =>
        Assert.True(Given.Verified(signature: string.Join(' ', [.. Enumerable.Repeat(Vectors.WrongMac, 15), Good])).IsValid);

    [Fact]
    public void Verify_SeventeenSignatures_AreRefusedWhereverTheValidOneStands()
    {
        foreach (var at in (int[])[0, 8, 16])
        {
            var entries = Enumerable.Repeat(Vectors.WrongMac, 17).ToArray();
            entries[at] = Good;
            Assert.Equal(VerificationStatus.TooManySignatures, Given.Status(signature: string.Join(' ', entries)));
        }
    }

    [Fact]
    public void Verify_SeventeenEntriesOfAnyKind_AreRefused() =>
        Assert.Equal(VerificationStatus.TooManySignatures, Given.Status(signature: string.Join(' ', Enumerable.Repeat("x", 16)) + " " + Good));

    [Fact]
    public void Verify_HeaderOf4096Characters_IsRead() => Assert.True(Given.Verified(signature: Good.PadLeft(4096)).IsValid);

    [Fact]
    public void Verify_HeaderOf4097Characters_IsRefusedUnread()
    {
        Assert.Equal(VerificationStatus.TooManySignatures, Given.Status(signature: Good.PadLeft(4097)));
        Assert.Equal(VerificationStatus.TooManySignatures, Given.Status(signature: Good.PadRight(10_000_000)));
    }

    [Fact]
    public void Limits_AreWhatTheDocumentsSay() =>
        Assert.Equal((16, 4096, 16), (WebhookVerifier.MaxSignatures, WebhookVerifier.MaxSignatureHeaderLength, WebhookSigner.MaxSecrets));
}
