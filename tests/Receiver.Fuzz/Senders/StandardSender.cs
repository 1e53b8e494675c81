using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Webhooks.Fuzz.Senders;

/// <summary>A dispatcher of this project: single events, batches, and beside them events without a number, as others send them.</summary>
internal sealed class StandardSender : FuzzSender
{
    private const string Id = "webhook-id", Timestamp = "webhook-timestamp", Signature = "webhook-signature";
    private const string Endpoint = "ep_1";

    private long _seq;

    public override string Name => "standard";

    public override IReadOnlyList<string> Headers { get; } = [Id, Timestamp, Signature];

    public override IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder)
    {
        builder.Services.Configure<WebhookReceiverOptions>(builder.Name, options => options.Endpoint = Endpoint);
        return builder;
    }

    public override string Written(byte[] key) => "whsec_" + Convert.ToBase64String(key);

    public override FuzzRequest Next(Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                var (from, to) = (_seq + 1, _seq + random.Next(1, 6));
                var events = string.Join(',', Enumerable.Range(0, (int)(to - from + 1)).Select(_ => Event(random)));
                var batch = $"batch_{from}_{to}";
                return Request(batch, $$"""{"id":"{{batch}}","type":"webhooks.batch","timestamp":"2026-11-21T03:00:00.000Z","endpoint":"{{Endpoint}}","epoch":1,"seq":{"from":{{from}},"to":{{to}}},"data":[{{events}}]}""", (int)(to - from + 1));
            case 1:
                var foreign = $"msg_{random.NextInt64():x16}";
                return Request(foreign, $$"""{"type":"user.created","timestamp":"2026-11-21T03:00:00Z","data":{{NextData(random)}}}""");
            default:
                var one = Event(random);
                return Request($"evt_{_seq}", one);
        }
    }

    public override void Sign(FuzzRequest request, long timestamp, params byte[][] keys)
    {
        var time = timestamp.ToString(CultureInfo.InvariantCulture);
        request.Headers[Timestamp] = time;
        request.Headers[Signature] = string.Join(' ', keys.Select(key => Entry(request, time, key)));
    }

    public override void Respell(Random random, FuzzRequest request)
    {
        base.Respell(random, request);
        var signature = request.Headers[Signature].ToString();
        request.Headers[Signature] = random.Next(4) switch
        {
            0 => "v1a,AAAA " + signature,
            1 => $"v1,{Convert.ToBase64String(new byte[32])} {signature}",
            2 => signature + " v9,?",
            _ => signature,
        };
    }

    public override bool SignForAnotherPurpose(Random random, FuzzRequest request, long timestamp)
    {
        var prefix = random.Next(3) switch
        {
            0 => "answer\nreq_1\n",
            1 => $"feed\n{Endpoint}\n1\n100",
            _ => $"resume\n{Endpoint}\n1\n7",
        };
        var time = timestamp.ToString(CultureInfo.InvariantCulture);
        request.Headers[Timestamp] = time;
        request.Headers[Signature] = "v1," + Convert.ToBase64String(Mac(Live[0], $"{Only(request, Id)}.{time}.{prefix}", request.Body));
        return true;
    }

    public override bool IsSigned(FuzzRequest request, long now)
    {
        if (Only(request, Id) is null || Only(request, Timestamp) is not { } time || !IsNear(time, now) || Only(request, Signature) is not { } signature) return false;
        var entries = signature.Split(' ');
        return Live.Any(key => entries.Contains(Entry(request, time, key)));
    }

    private string Event(Random random)
    {
        var seq = ++_seq;
        var rest = random.Next(20) == 0 ? "\"void\":true,\"reason\":\"expunged\"" : $"\"data\":{NextData(random)}";
        return $$"""{"id":"evt_{{seq}}","type":"order.changed","timestamp":"2026-11-21T03:00:00.000Z","endpoint":"{{Endpoint}}","epoch":1,"seq":{{seq}},{{rest}}}""";
    }

    private static string Entry(FuzzRequest request, string time, byte[] key) =>
        "v1," + Convert.ToBase64String(Mac(key, $"{Only(request, Id)}.{time}.", request.Body));

    private static FuzzRequest Request(string id, string body, int events = 1) =>
        new(Encoding.UTF8.GetBytes(body)) { Events = events, Headers = { [Id] = id } };
}
