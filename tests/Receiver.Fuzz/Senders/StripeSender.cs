using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Webhooks.Fuzz.Senders;

internal class StripeSender : FuzzSender
{
    private const string Signature = "Stripe-Signature";

    public override string Name => "stripe";

    public override IReadOnlyList<string> Headers { get; } = [Signature];

    public override IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder) => builder.FromStripe();

    public override FuzzRequest Next(Random random) => new(Encoding.UTF8.GetBytes(
        $$$"""{"id":"evt_{{{random.NextInt64():x16}}}","object":"event","type":"customer.created","data":{"object":{{{NextData(random)}}}}}"""));

    public override void Sign(FuzzRequest request, long timestamp, params byte[][] keys) =>
        request.Headers[Signature] = $"t={timestamp}," + string.Join(',', keys.Select(key => $"v1={Entry(request, $"{timestamp}", key)}"));

    public override void Respell(Random random, FuzzRequest request)
    {
        base.Respell(random, request);
        var signature = request.Headers[Signature].ToString();
        request.Headers[Signature] = random.Next(4) switch
        {
            0 => $"{signature},v0={new string('0', 64)}",
            1 => $"v1={new string('a', 64)},{signature}",
            2 => signature + ",",
            _ => signature,
        };
    }

    public override bool IsSigned(FuzzRequest request, long now)
    {
        if (Only(request, Signature) is not { } signature) return false;
        var entries = signature.Split(',');
        return entries.Where(entry => entry.StartsWith("t=", StringComparison.Ordinal) && entry.Length > 2).ToList() is [var only] && IsNear(only[2..], now)
            && Live.Any(key => entries.Contains($"v1={Entry(request, only[2..], key)}"));
    }

    private static string Entry(FuzzRequest request, string time, byte[] key) => Hex(Mac(key, $"{time}.", request.Body));
}
