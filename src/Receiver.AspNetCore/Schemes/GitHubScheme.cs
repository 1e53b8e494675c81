using System.Net;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>
/// GitHub: the body is signed, and nothing else. The id of the delivery and the name of the event stand in headers. A webhook's body is JSON, or a form
/// with the JSON in <c>payload</c>, as was chosen for it; a handler gets the JSON of either.
/// </summary>
internal sealed class GitHubScheme : IWebhookScheme
{
    private const string Signature = "X-Hub-Signature-256";
    private const string Delivery = "X-GitHub-Delivery";
    private const string Event = "X-GitHub-Event";
    private const string Form = "application/x-www-form-urlencoded";
    private const string Version = "sha256=";

    public string Name => "GitHub";

    public IReadOnlyList<string> Headers { get; } = [Signature, Delivery, Event];

    public bool Takes(string mediaType) => mediaType is "application/json" or Form;

    public ReceiverSecret ReadSecret(string text) => TextSecret.Parse(text);

    public VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance)
    {
        var header = request.Header(Signature).AsSpan();
        if (header.IsEmpty) return new(VerificationStatus.MissingSignature);
        if (!header.StartsWith(Version, StringComparison.Ordinal) || !HmacSignature.IsHex(header[Version.Length..]))
            return new(VerificationStatus.MalformedSignature);
        return HmacSignature.Match(secrets, [], request.Body.Span, header, [Version.Length..]);
    }

    public WebhookReading Read(WebhookRequest request)
    {
        if (request.MediaType == Form && !request.Body.Span.StartsWith(Field)) return WebhookReading.Malformed("its form has no payload");
        return JsonMembers.IsJson(DataOf(request.Body).Span)
            ? WebhookReading.Event(request.Header(Delivery), request.Header(Event), request)
            : WebhookReading.Malformed("it is not JSON");
    }

    /// <summary>No JSON begins with a p, so the body itself tells what it is.</summary>
    public ReadOnlyMemory<byte> DataOf(ReadOnlyMemory<byte> body)
    {
        if (!body.Span.StartsWith(Field)) return body;
        var value = body[Field.Length..];
        if (value.Span.IndexOf((byte)'&') is var end and >= 0) value = value[..end];
        return WebUtility.UrlDecodeToBytes(value.ToArray(), 0, value.Length);
    }

    private static ReadOnlySpan<byte> Field => "payload="u8;
}
