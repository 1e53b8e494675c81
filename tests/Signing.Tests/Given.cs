using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Webhooks.Signing.Tests;

/// <summary>Vector A, whose parts a test replaces one at a time.</summary>
internal static class Given
{
    public static readonly WebhookSecret Secret = WebhookSecret.Parse(Vectors.A.Secret);

    public static VerificationResult Verified(
        string? id = null, string? timestamp = null, string? signature = null, byte[]? body = null, WebhookSecret[]? secrets = null,
        DateTimeOffset? now = null, TimeSpan? tolerance = null, byte[]? prefix = null) =>
        WebhookVerifier.Verify(
            id ?? Vectors.A.Id, timestamp ?? Text(Vectors.A.Timestamp), signature ?? Vectors.A.Signature, body ?? Vectors.A.Body,
            secrets ?? [Secret], now ?? Vectors.A.Time, tolerance, prefix);

    public static VerificationStatus Status(
        string? id = null, string? timestamp = null, string? signature = null, byte[]? body = null, WebhookSecret[]? secrets = null,
        DateTimeOffset? now = null, TimeSpan? tolerance = null, byte[]? prefix = null) =>
        Verified(id, timestamp, signature, body, secrets, now, tolerance, prefix).Status;

    public static WebhookSecret Key(int seed, int bytes = 32) =>
        WebhookSecret.FromBytes([.. Enumerable.Range(0, bytes).Select(i => (byte)((seed * 31) + i))]);

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The signature as the specification's words have it, with nothing of the library under test.</summary>
internal static class Oracle
{
    public static string Sign(byte[] key, string id, string timestamp, byte[] body)
    {
        using var hmac = new HMACSHA256(key);
        return "v1," + Convert.ToBase64String(hmac.ComputeHash([.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body]));
    }

    /// <summary>The bytes of a written secret, decoded without the library under test.</summary>
    public static byte[] KeyOf(string secret) => Convert.FromBase64String(secret["whsec_".Length..]);
}
