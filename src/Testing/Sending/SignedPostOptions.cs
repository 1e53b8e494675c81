using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>What a <see cref="SignedWebhookClient"/> does otherwise than a dispatcher would, so that a test can break each part.</summary>
public sealed record SignedPostOptions
{
    /// <summary>The time that is signed and sent; null for the clock's.</summary>
    public DateTimeOffset? SignedAt { get; init; }

    /// <summary>The secrets to sign with; null for the client's.</summary>
    public IReadOnlyList<WebhookSecret>? Secrets { get; init; }

    /// <summary>Sent as <c>webhook-id</c> instead of what was signed; an empty string leaves the header out.</summary>
    public string? IdHeader { get; init; }

    /// <summary>Sent as <c>webhook-timestamp</c> instead of what was signed; an empty string leaves the header out.</summary>
    public string? TimestampHeader { get; init; }

    /// <summary>Sent as <c>webhook-signature</c> instead of the right one; an empty string leaves the header out.</summary>
    public string? SignatureHeader { get; init; }

    /// <summary>Sent as the body instead of what was signed.</summary>
    public ReadOnlyMemory<byte>? BodySent { get; init; }

    /// <summary>The content type; default <c>application/json</c>, an empty string leaves the header out.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>More headers; a name may come more than once.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ExtraHeaders { get; init; } = [];
}
