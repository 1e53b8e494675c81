using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Webhooks.Fuzz.Senders;

/// <summary>GitHub: JSON, or a form with the JSON in it.</summary>
internal sealed class GitHubSender : FuzzSender
{
    private const string Signature = "X-Hub-Signature-256", Delivery = "X-GitHub-Delivery", Event = "X-GitHub-Event";

    public override string Name => "github";

    public override IReadOnlyList<string> Headers { get; } = [Signature, Delivery, Event];

    public override bool HasTimestamp => false;

    public override IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder) => builder.FromGitHub();

    public override FuzzRequest Next(Random random)
    {
        var json = $$"""{"action":"opened","number":{{random.Next()}},"more":{{NextData(random)}}}""";
        var request = random.Next(3) > 0
            ? new FuzzRequest(Encoding.UTF8.GetBytes(json))
            : new FuzzRequest(Encoding.UTF8.GetBytes("payload=" + WebUtility.UrlEncode(json)), "application/x-www-form-urlencoded");
        request.Headers[Delivery] = $"{random.NextInt64():x16}-{random.NextInt64():x16}";
        request.Headers[Event] = "pull_request";
        return request;
    }

    public override void Sign(FuzzRequest request, long timestamp, params byte[][] keys) => request.Headers[Signature] = Entry(request, keys[0]);

    public override bool IsSigned(FuzzRequest request, long now) => Live.Any(key => Only(request, Signature) == Entry(request, key));

    private static string Entry(FuzzRequest request, byte[] key) => "sha256=" + Hex(Mac(key, "", request.Body));
}
