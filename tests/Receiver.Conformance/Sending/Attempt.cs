using System.Globalization;
using Webhooks.Conformance.Wire;
using Webhooks.Signing;

namespace Webhooks.Conformance.Sending;

/// <summary>One attempt to deliver, signed as it should be; <c>with</c> spoils a part of it.</summary>
internal sealed record Attempt(string Id, byte[] Body, params WebhookSecret[] Secrets)
{
    /// <summary>The time that is signed and sent.</summary>
    public long Timestamp { get; init; } = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Bytes signed before the body, which make it another kind of message.</summary>
    public byte[] Prefix { get; init; } = [];

    /// <summary>Sent instead of the signed id; empty leaves the header out.</summary>
    public string? IdHeader { get; init; }

    /// <summary>Sent instead of the signed timestamp; empty leaves the header out.</summary>
    public string? TimestampHeader { get; init; }

    /// <summary>Sent instead of the right signature; empty leaves the header out.</summary>
    public string? SignatureHeader { get; init; }

    /// <summary>Sent instead of what was signed.</summary>
    public byte[]? BodySent { get; init; }

    /// <summary>Empty leaves the header out.</summary>
    public string ContentType { get; init; } = "application/json";

    public bool IsChunked { get; init; }

    public string Method { get; init; } = "POST";

    public IReadOnlyList<KeyValuePair<string, string>> ExtraHeaders { get; init; } = [];

    /// <summary>The right signature.</summary>
    public string Signature => WebhookSigner.Sign(Id, Timestamp, Body, Secrets, Prefix);

    public WireRequest ToRequest()
    {
        var headers = new List<KeyValuePair<string, string>>();
        Add(WebhookHeaders.Id, IdHeader ?? Id);
        Add(WebhookHeaders.Timestamp, TimestampHeader ?? Timestamp.ToString(CultureInfo.InvariantCulture));
        Add(WebhookHeaders.Signature, SignatureHeader ?? Signature);
        Add("Content-Type", ContentType);
        headers.AddRange(ExtraHeaders);
        return new WireRequest { Method = Method, Headers = headers, Body = BodySent ?? Body, IsChunked = IsChunked };

        void Add(string name, string value)
        {
            if (value.Length > 0) headers.Add(new(name, value));
        }
    }
}
