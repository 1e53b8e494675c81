using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>
/// Shopify: the body is signed, and nothing else. Id and topic stand in headers. The id is that of the webhook, which is the same on every attempt and
/// for each subscription another; that of the event is not taken, for one event may come under several topics.
/// </summary>
internal sealed class ShopifyScheme : IWebhookScheme
{
    private const string Signature = "X-Shopify-Hmac-Sha256";
    private const string WebhookId = "X-Shopify-Webhook-Id";
    private const string Topic = "X-Shopify-Topic";

    public string Name => "Shopify";

    public IReadOnlyList<string> Headers { get; } = [Signature, WebhookId, Topic];

    public bool Takes(string mediaType) => mediaType == "application/json";

    public ReceiverSecret ReadSecret(string text) => TextSecret.Parse(text);

    public VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance)
    {
        var header = request.Header(Signature).AsSpan();
        if (header.IsEmpty) return new(VerificationStatus.MissingSignature);
        return header.Length != HmacSignature.Base64Chars
            ? new(VerificationStatus.MalformedSignature)
            : HmacSignature.Match(secrets, [], request.Body.Span, header, [Range.All], inBase64: true);
    }

    public WebhookReading Read(WebhookRequest request) => JsonMembers.IsJson(request.Body.Span)
        ? WebhookReading.Event(request.Header(WebhookId), request.Header(Topic), request)
        : WebhookReading.Malformed("it is not JSON");
}
