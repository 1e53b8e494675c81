using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Webhooks.Fuzz.Senders;

/// <summary>Slack: events, and now and then its challenge.</summary>
internal sealed class SlackSender : FuzzSender
{
    private const string Signature = "X-Slack-Signature", Timestamp = "X-Slack-Request-Timestamp";

    public override string Name => "slack";

    public override IReadOnlyList<string> Headers { get; } = [Signature, Timestamp];

    public override IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder) => builder.FromSlack();

    public override FuzzRequest Next(Random random)
    {
        var id = $"{random.NextInt64():x16}";
        return random.Next(10) switch
        {
            0 => new(Encoding.UTF8.GetBytes($$"""{"type":"url_verification","challenge":"{{id}}"}""")) { Events = 0, Challenge = id },
            1 => new(Encoding.UTF8.GetBytes($$"""{"type":"app_rate_limited","minute_rate_limited":"{{id}}"}""")),
            _ => new(Encoding.UTF8.GetBytes($$$"""{"type":"event_callback","event_id":"Ev{{{id}}}","event":{"type":"app_mention","more":{{{NextData(random)}}}}}""")),
        };
    }

    public override void Sign(FuzzRequest request, long timestamp, params byte[][] keys)
    {
        var time = timestamp.ToString(CultureInfo.InvariantCulture);
        request.Headers[Timestamp] = time;
        request.Headers[Signature] = Entry(request, time, keys[0]);
    }

    public override bool IsSigned(FuzzRequest request, long now) =>
        Only(request, Timestamp) is { } time && IsNear(time, now) && Live.Any(key => Only(request, Signature) == Entry(request, time, key));

    private static string Entry(FuzzRequest request, string time, byte[] key) => "v0=" + Hex(Mac(key, $"v0:{time}:", request.Body));
}
