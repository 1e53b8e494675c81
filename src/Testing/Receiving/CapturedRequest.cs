using System.Text;
using System.Text.Json;
using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>A request as it arrived.</summary>
public sealed class CapturedRequest
{
    private readonly bool _hasBody;

    internal CapturedRequest(
        long number, string method, string path, IReadOnlyDictionary<string, IReadOnlyList<string>> headers, byte[]? body, DateTimeOffset arrivedAt)
    {
        (Number, Method, Path, Headers, ArrivedAt) = (number, method, path, headers, arrivedAt);
        (Body, _hasBody) = (body, body is not null);
    }

    /// <summary>Its place in the order in which requests were captured: 1, 2, 3, …</summary>
    public long Number { get; }

    /// <summary>The method, for example <c>POST</c>.</summary>
    public string Method { get; }

    /// <summary>Path and query string, as they stood in the request line.</summary>
    public string Path { get; }

    /// <summary>Every value of every header; names compare without regard to case.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Headers { get; }

    /// <summary>The bytes of the body; empty when bodies are not kept.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>When its headers had been read, by the receiver's clock.</summary>
    public DateTimeOffset ArrivedAt { get; }

    /// <summary>The body read as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Body.Span);

    /// <summary>The value of <c>webhook-id</c>, or an empty string.</summary>
    public string WebhookId => Header(WebhookHeaders.Id) ?? "";

    /// <summary>
    /// The numbers of the events in it: of a batch its first and last, of one event twice its own; null when the body is not kept or has no numbers.
    /// </summary>
    public (long From, long To)? Seqs
    {
        get
        {
            try
            {
                using var body = JsonDocument.Parse(Body);
                if (body.RootElement.ValueKind != JsonValueKind.Object || !body.RootElement.TryGetProperty("seq", out var seq)) return null;
                return seq.ValueKind == JsonValueKind.Object
                    ? (seq.GetProperty("from").GetInt64(), seq.GetProperty("to").GetInt64())
                    : (seq.GetInt64(), seq.GetInt64());
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
            {
                return null;
            }
        }
    }

    /// <summary>A header's value, several joined by a comma as HTTP has it, or null.</summary>
    public string? Header(string name) => Headers.TryGetValue(name, out var values) ? string.Join(',', values) : null;

    /// <summary>Verifies the signature, with the timestamp held against the time of arrival.</summary>
    /// <exception cref="InvalidOperationException">The body was not kept.</exception>
    public VerificationResult Verify(params ReadOnlySpan<WebhookSecret> secrets) =>
        _hasBody
            ? WebhookVerifier.Verify(
                WebhookId, Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), Body.Span, secrets, ArrivedAt)
            : throw new InvalidOperationException("Without its body a request cannot be verified; keep bodies, and do not reset before reading.");
}
