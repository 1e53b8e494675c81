using System.Globalization;
using System.Text;

namespace Webhooks.Bench.Setup;

/// <summary>Bodies of about 1 KB on the wire. The data begins with the number by which the sink knows an event.</summary>
internal static class Payload
{
    public const string EventType = "order.paid";

    private static readonly string Padding = string.Concat(Enumerable.Range(0, 77).Select(i => (i % 10).ToString(CultureInfo.InvariantCulture) + "abcdefghi"));

    /// <summary>An event's data.</summary>
    public static byte[] Data(int n) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"n\":{n},\"text\":\"{Padding}\"}}"));

    /// <summary>The envelope that a dispatcher would write around it.</summary>
    public static byte[] Envelope(string id, string endpoint, long seq, int n) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"{{\"id\":\"{id}\",\"type\":\"{EventType}\",\"timestamp\":\"2026-11-21T03:00:00.000Z\",\"endpoint\":\"{endpoint}\",\"epoch\":1,\"seq\":{seq},\"data\":{{\"n\":{n},\"text\":\"{Padding}\"}}}}"));
}
