using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;

namespace Webhooks.Signing.Tests;

/// <summary>A secret shows itself to <see cref="WebhookSecret.Reveal"/> alone.</summary>
public class SecrecyTests
{
    private sealed record Holder(string Name, WebhookSecret Secret);

    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)(0xa0 + i))];
    private static readonly WebhookSecret Secret = WebhookSecret.FromBytes(Key);
    private static readonly JsonSerializerOptions WithFields = new() { IncludeFields = true };

    [Fact]
    public void ToString_InterpolationAndFormat_NeverPrintTheSecret()
    {
        AssertHidden(Secret.ToString());
        AssertHidden($"{Secret}");
        AssertHidden(string.Format(CultureInfo.InvariantCulture, "{0}", Secret));
        AssertHidden(string.Concat("secret: ", Secret));
        AssertHidden(new Holder("a", Secret).ToString());
        AssertHidden(string.Join(' ', new[] { Secret, Secret }.AsEnumerable()));
    }

    [Fact]
    public void ToString_ShowsTheFingerprint()
    {
        Assert.Contains(Secret.Fingerprint, Secret.ToString(), StringComparison.Ordinal);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Key))[..8], Secret.Fingerprint);
    }

    [Fact]
    public void Json_OfAnObjectHoldingIt_NeverHoldsTheSecret()
    {
        var holder = new Holder("a", Secret);
        AssertHidden(JsonSerializer.Serialize(holder));
        AssertHidden(JsonSerializer.Serialize(holder, WithFields));
        AssertHidden(JsonSerializer.Serialize(new Dictionary<string, object> { ["secret"] = Secret }));
    }

    [Fact]
    public void PublicProperties_AsALoggerReadsThem_NeverHoldTheSecret()
    {
        foreach (var property in typeof(WebhookSecret).GetProperties(BindingFlags.Public | BindingFlags.Instance))
            AssertHidden(Convert.ToString(property.GetValue(Secret), CultureInfo.InvariantCulture)!);
        Assert.Empty(typeof(WebhookSecret).GetFields(BindingFlags.Public | BindingFlags.Instance));
    }

    [Fact]
    public void ErrorsOfParsing_NeverShowTheText()
    {
        var written = Secret.Reveal();
        string[] broken =
        [
            written + "\n", " " + written, written + "!", written.Insert(20, " "), written[..20], written + written[6..] + written[6..],
            written.Replace("whsec_", "whsk_", StringComparison.Ordinal), written.Insert(20, "-"),
        ];
        foreach (var text in broken)
        {
            Assert.False(WebhookSecret.TryParse(text, out _, out var error));
            AssertHidden(error);
            // The whole exception, as a log would have it.
            AssertHidden(Assert.Throws<FormatException>(() => WebhookSecret.Parse(text)).ToString());
        }
    }

    [Fact]
    public void ErrorsOfSigning_NeverShowTheSecret()
    {
        AssertHidden(Assert.Throws<ArgumentException>(() => WebhookSigner.Sign("a.b", 1, [], [Secret])).ToString());
        AssertHidden(Assert.Throws<ArgumentOutOfRangeException>(() => WebhookSigner.Sign("a", -1, [], [Secret])).ToString());
        AssertHidden(Assert.Throws<ArgumentException>(
            () => WebhookSigner.Sign("a", 1, [], Enumerable.Repeat(Secret, 17).ToArray())).ToString());
    }

    [Fact]
    public void VerificationResult_NeverShowsTheSecret()
    {
        var signature = WebhookSigner.Sign("a", 1, [], [Secret]);
        AssertHidden(WebhookVerifier.VerifyIgnoringTimestamp("a", "1", signature, [], [Secret]).ToString());
    }

    private static void AssertHidden(string text)
    {
        // Eight characters of it would already be six bytes given away.
        foreach (var form in (string[])[Convert.ToBase64String(Key), Convert.ToHexString(Key)])
            for (var at = 0; at + 8 <= form.Length; at++)
                Assert.DoesNotContain(form.Substring(at, 8), text, StringComparison.OrdinalIgnoreCase);
    }
}
