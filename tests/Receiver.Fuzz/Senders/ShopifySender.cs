using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Webhooks.Fuzz.Senders;

internal sealed class ShopifySender : FuzzSender
{
    private const string Signature = "X-Shopify-Hmac-Sha256", Id = "X-Shopify-Webhook-Id", Topic = "X-Shopify-Topic";

    public override string Name => "shopify";

    public override IReadOnlyList<string> Headers { get; } = [Signature, Id, Topic];

    public override bool HasTimestamp => false;

    public override IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder) => builder.FromShopify();

    public override FuzzRequest Next(Random random) =>
        new(Encoding.UTF8.GetBytes($$"""{"id":{{random.Next()}},"more":{{NextData(random)}}}"""))
        {
            Headers = { [Id] = $"{random.NextInt64():x16}-{random.NextInt64():x16}", [Topic] = "orders/create" },
        };

    public override void Sign(FuzzRequest request, long timestamp, params byte[][] keys) => request.Headers[Signature] = Entry(request, keys[0]);

    public override bool IsSigned(FuzzRequest request, long now) => Live.Any(key => Only(request, Signature) == Entry(request, key));

    private static string Entry(FuzzRequest request, byte[] key) => Convert.ToBase64String(Mac(key, "", request.Body));
}
