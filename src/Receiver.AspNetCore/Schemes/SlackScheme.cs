using System.Security.Cryptography;
using System.Text;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>
/// Slack's Events API: <c>v0</c> signs time and body. Only its JSON is taken: a slash command or a click comes as a form and wants an answer of its
/// own, which no event has.
/// </summary>
internal sealed class SlackScheme : IWebhookScheme
{
    private const string Signature = "X-Slack-Signature";
    private const string Timestamp = "X-Slack-Request-Timestamp";
    private const string Version = "v0=";
    private const int MaxChallenge = 1024;

    public string Name => "Slack";

    public IReadOnlyList<string> Headers { get; } = [Signature, Timestamp];

    public bool Takes(string mediaType) => mediaType == "application/json";

    public ReceiverSecret ReadSecret(string text) => TextSecret.Parse(text);

    public VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance)
    {
        var timestamp = request.Header(Timestamp).AsSpan();
        if (timestamp.IsEmpty) return new(VerificationStatus.MissingTimestamp);
        if (!HmacSignature.TryReadSeconds(timestamp, out var seconds)) return new(VerificationStatus.MalformedTimestamp);
        var header = request.Header(Signature).AsSpan();
        if (header.IsEmpty) return new(VerificationStatus.MissingSignature);
        if (!header.StartsWith(Version, StringComparison.Ordinal) || !HmacSignature.IsHex(header[Version.Length..]))
            return new(VerificationStatus.MalformedSignature);

        Span<byte> prefix = stackalloc byte[timestamp.Length + 4];
        Encoding.ASCII.GetBytes($"v0:{timestamp}:", prefix);
        return HmacSignature.Match(secrets, prefix, request.Body.Span, header, [Version.Length..], timestamp: seconds).Within(request.ReceivedAt, tolerance);
    }

    public WebhookReading Read(WebhookRequest request)
    {
        var found = new string?[4];
        if (!JsonMembers.TryRead(request.Body.Span, ["type", "event_id", "event.type", "challenge"], found, out var error))
            return WebhookReading.Malformed(error!);
        var (type, id, eventType, challenge) = (found[0], found[1], found[2], found[3]);
        return type switch
        {
            "url_verification" => challenge is { Length: > 0 and <= MaxChallenge }
                ? WebhookReading.Answer(challenge)
                : WebhookReading.Malformed("its challenge is not 1 to 1,024 characters"),
            "event_callback" => WebhookReading.Event(id, eventType, request),
            // What is about the app itself, such as app_rate_limited, has no id: the same bytes are the same event.
            _ => WebhookReading.Event("sha256:" + Convert.ToHexStringLower(SHA256.HashData(request.Body.Span)), type, request),
        };
    }
}
