using System.Buffers.Text;
using System.Text;

namespace Webhooks.Dispatcher.Sending;

/// <summary>An event at its place in a stream, ready to be written.</summary>
internal sealed record DeliveryItem(long Seq, Guid EventId, string Type, DateTimeOffset PublishedAt, byte[] Data);

/// <summary>Writes the signed body (design 4.1). The data goes in byte for byte as it was published.</summary>
internal static class Envelope
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>The most that everything but type and data takes: the names, two ids, a time, two numbers, and a comma.</summary>
    public const int Frame = 300;

    public static byte[] Write(DeliveryItem item, EndpointId endpoint, int epoch)
    {
        var buffer = new byte[Frame + item.Type.Length + item.Data.Length];
        var at = 0;
        Append("{\"id\":\"evt_"u8);
        item.EventId.TryFormat(buffer.AsSpan(at), out var written, "N");
        at += written;
        Append("\",\"type\":\""u8);
        at += Encoding.UTF8.GetBytes(item.Type, buffer.AsSpan(at));
        Append("\",\"timestamp\":\""u8);
        item.PublishedAt.UtcDateTime.TryFormat(buffer.AsSpan(at), out written, TimeFormat, System.Globalization.CultureInfo.InvariantCulture);
        at += written;
        Append("\",\"endpoint\":\""u8);
        at += Encoding.UTF8.GetBytes(endpoint.Value, buffer.AsSpan(at));
        Append("\",\"epoch\":"u8);
        Utf8Formatter.TryFormat(epoch, buffer.AsSpan(at), out written);
        at += written;
        Append(",\"seq\":"u8);
        Utf8Formatter.TryFormat(item.Seq, buffer.AsSpan(at), out written);
        at += written;
        Append(",\"data\":"u8);
        Append(item.Data);
        Append("}"u8);
        return buffer[..at];

        void Append(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(buffer.AsSpan(at));
            at += bytes.Length;
        }
    }
}
