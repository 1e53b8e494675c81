using System.Runtime.CompilerServices;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>Standard Webhooks: numbered events and batches of our own dispatcher, and events without a number of anybody else.</summary>
internal sealed class StandardScheme : IWebhookScheme
{
    public static readonly StandardScheme Instance = new();

    public string Name => "Standard Webhooks";

    public IReadOnlyList<string> Headers { get; } = [WebhookHeaders.Id, WebhookHeaders.Timestamp, WebhookHeaders.Signature];

    public bool Takes(string mediaType) => mediaType == "application/json";

    public ReceiverSecret ReadSecret(string text) => WebhookSecret.Parse(text) is { Kind: WebhookSecretKind.Ed25519, CanSign: true }
        ? throw new FormatException("It is a private key (whsk_), which is the sender's alone: a receiver is given the public one (whpk_). Whoever holds the private one can send in the sender's name.")
        : new StandardSecret(WebhookSecret.Parse(text));

    public VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance)
    {
        var own = new OwnSecrets();
        for (var i = 0; i < secrets.Length; i++) own[i] = ((StandardSecret)secrets[i]).Secret;
        return WebhookVerifier.Verify(
            request.Header(WebhookHeaders.Id), request.Header(WebhookHeaders.Timestamp), request.Header(WebhookHeaders.Signature), request.Body.Span,
            own[..secrets.Length], request.ReceivedAt, tolerance);
    }

    public WebhookReading Read(WebhookRequest request)
    {
        if (!EnvelopeReader.TryReadFrame(request.Body.Span, out var envelope, out var error)) return WebhookReading.Malformed(error);
        var id = request.Header(WebhookHeaders.Id);
        if (envelope.IsNumbered && envelope.Id != id) return WebhookReading.Malformed("its id is not that of the header");
        if (!envelope.IsBatch)
            return WebhookReading.Stored([new InboxEvent(id, envelope.Endpoint, envelope.Epoch, envelope.Seq, request.Body, request.ReceivedAt)]);
        var events = EnvelopeReader.ReadBatch(request.Body, envelope, request.ReceivedAt, out error);
        return events is null ? WebhookReading.Malformed(error!) : WebhookReading.Stored(events);
    }

    /// <summary>On the stack: verifying allocates nothing.</summary>
    [InlineArray(WebhookReceiverOptions.MaxSecrets)]
    private struct OwnSecrets
    {
        private WebhookSecret _first;
    }
}
