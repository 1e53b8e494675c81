using System.Globalization;
using System.Runtime.CompilerServices;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>The published message, whose parts a test replaces one at a time.</summary>
internal static class Given
{
    public static readonly WebhookSecret Private = WebhookSecret.Parse(Vectors.PrivateKey);
    public static readonly WebhookSecret Public = WebhookSecret.Parse(Vectors.PublicKey);
    public static readonly WebhookSecret Symmetric = WebhookSecret.Parse(Vectors.Symmetric);

    /// <summary>As a program does, first thing.</summary>
    [ModuleInitializer]
    public static void Use() => NSecSigning.Use();

    public static VerificationResult Verified(string? signature = null, byte[]? body = null, WebhookSecret[]? secrets = null) =>
        WebhookVerifier.Verify(
            Vectors.Id, Vectors.Timestamp.ToString(CultureInfo.InvariantCulture), signature ?? Vectors.Signature, body ?? Vectors.Body, secrets ?? [Public],
            DateTimeOffset.FromUnixTimeSeconds(Vectors.Timestamp));

    public static string Signed(params WebhookSecret[] secrets) => WebhookSigner.Sign(Vectors.Id, Vectors.Timestamp, Vectors.Body, secrets);
}
