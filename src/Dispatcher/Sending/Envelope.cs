using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Webhooks.Dispatcher.Sending;

/// <summary>An event at its place in a stream, ready to be written.</summary>
/// <param name="Seq">Its number.</param>
/// <param name="EventId">The event.</param>
/// <param name="Type">The event's type.</param>
/// <param name="PublishedAt">When it was published.</param>
/// <param name="Data">The data as published; of no bytes when it was expunged.</param>
/// <param name="Period">The period in which it was numbered.</param>
internal sealed record DeliveryItem(long Seq, Guid EventId, string Type, DateTimeOffset PublishedAt, byte[] Data, int Period = 0);

/// <summary>Writes the signed body (design 4.1). The data goes in byte for byte as it was published.</summary>
internal static class Envelope
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>The most that everything but type and data takes: the names, two ids, a time, two numbers, and a comma.</summary>
    public const int Frame = 300;

    /// <summary>The body of a delivery, in borrowed memory: to be given to <see cref="Return"/>, or left to the garbage collector if anybody may still read it.</summary>
    public static ArraySegment<byte> Write(DeliveryItem item, WebhookEndpointId endpoint, int epoch)
    {
        var body = new Body(Size(item));
        Append(ref body, item, endpoint, epoch);
        return body.Written;
    }

    /// <summary>Gives back what was borrowed for a body. Nobody may read it any more.</summary>
    public static void Return(ArraySegment<byte> body) => ArrayPool<byte>.Shared.Return(body.Array!);

    /// <summary>The body of several consecutive events in one request: their envelopes, in order.</summary>
    /// <inheritdoc cref="Write"/>
    public static ArraySegment<byte> WriteBatch(string id, IReadOnlyList<DeliveryItem> items, WebhookEndpointId endpoint, int epoch)
    {
        var body = new Body(Frame + items.Sum(Size));
        body.Append("{\"id\":\""u8);
        body.Append(id);
        body.Append("\",\"type\":\"webhooks.batch\",\"timestamp\":\""u8);
        body.Append(items.Max(item => item.PublishedAt));
        body.Append("\",\"endpoint\":\""u8);
        body.Append(endpoint.Value);
        body.Append("\",\"epoch\":"u8);
        body.Append(epoch);
        body.Append(",\"seq\":{\"from\":"u8);
        body.Append(items[0].Seq);
        body.Append(",\"to\":"u8);
        body.Append(items[^1].Seq);
        body.Append("},\"data\":["u8);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) body.Append(","u8);
            Append(ref body, items[i], endpoint, epoch);
        }

        body.Append("]}"u8);
        return body.Written;
    }

    /// <summary>At most so many bytes does an event take in a batch.</summary>
    public static int Size(DeliveryItem item) => Frame + item.Type.Length + item.Data.Length;

    /// <summary>The id of a batch: made of what it holds, so that another cut of the same events is another id and the same cut the same.</summary>
    public static string BatchId(WebhookEndpointId endpoint, int epoch, long from, long to)
    {
        var named = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{endpoint.Value}\n{epoch}\n{from}\n{to}"));
        return "batch_" + Convert.ToHexStringLower(SHA256.HashData(named).AsSpan(0, 16));
    }

    private static void Append(ref Body body, DeliveryItem item, WebhookEndpointId endpoint, int epoch)
    {
        body.Append("{\"id\":\"evt_"u8);
        body.Append(item.EventId);
        body.Append("\",\"type\":\""u8);
        body.Append(item.Type);
        body.Append("\",\"timestamp\":\""u8);
        body.Append(item.PublishedAt);
        body.Append("\",\"endpoint\":\""u8);
        body.Append(endpoint.Value);
        body.Append("\",\"epoch\":"u8);
        body.Append(epoch);
        body.Append(",\"seq\":"u8);
        body.Append(item.Seq);
        // No JSON value has no bytes: the event keeps its place, and nothing else of it is left.
        body.Append(item.Data.Length == 0 ? ",\"void\":true,\"reason\":\"expunged\""u8 : ",\"data\":"u8);
        body.Append(item.Data);
        body.Append("}"u8);
    }

    /// <summary>Bytes that are added to, in a borrowed array that is large enough from the beginning.</summary>
    private ref struct Body(int capacity)
    {
        private readonly byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);
        private int _at;

        public void Append(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_bytes.AsSpan(_at));
            _at += bytes.Length;
        }

        public void Append(string text) => _at += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_at));

        public void Append(long number)
        {
            Utf8Formatter.TryFormat(number, _bytes.AsSpan(_at), out var written);
            _at += written;
        }

        public void Append(Guid id)
        {
            id.TryFormat(_bytes.AsSpan(_at), out var written, "N");
            _at += written;
        }

        public void Append(DateTimeOffset time)
        {
            time.UtcDateTime.TryFormat(_bytes.AsSpan(_at), out var written, TimeFormat, CultureInfo.InvariantCulture);
            _at += written;
        }

        public readonly ArraySegment<byte> Written => new(_bytes, 0, _at);
    }
}
