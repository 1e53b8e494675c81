using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Publishing;

/// <summary>An event as it was published, before it has a number.</summary>
internal sealed record FreshEvent(Guid Id, string Type, DateTimeOffset PublishedAt, byte[] Data)
{
    public DeliveryItem At(long seq) => new(seq, Id, Type, PublishedAt, Data);
}

/// <summary>
/// The latest events that this process published, by their place, so that what is sent a moment later need not be read back. A place is only ever asked
/// for once the database has shown it committed: what was rolled back is never found, and is forgotten in its time.
/// </summary>
internal sealed class FreshEvents(IOptions<WebhookDispatcherOptions> options)
{
    private readonly ConcurrentDictionary<(short Bucket, long Position), FreshEvent> _events = new();
    private readonly ConcurrentQueue<((short Bucket, long Position) Key, int Bytes)> _order = new();
    private long _bytes;

    /// <summary>Whether anybody in this process sends.</summary>
    public bool IsKept => options.Value.RunWorker && options.Value.Publishing.FreshBytes > 0;

    public void Add(short bucket, long position, FreshEvent published)
    {
        var key = (bucket, position);
        _events[key] = published;
        _order.Enqueue((key, published.Data.Length));
        for (var bytes = Interlocked.Add(ref _bytes, published.Data.Length); bytes > options.Value.Publishing.FreshBytes && _order.TryDequeue(out var oldest);)
        {
            _events.TryRemove(oldest.Key, out _);
            bytes = Interlocked.Add(ref _bytes, -oldest.Bytes);
        }
    }

    /// <summary>All of them: their places may be other events'.</summary>
    public void Forget()
    {
        while (_order.TryDequeue(out var oldest))
        {
            _events.TryRemove(oldest.Key, out _);
            Interlocked.Add(ref _bytes, -oldest.Bytes);
        }
    }

    /// <summary>Its data was taken away.</summary>
    public void Forget(short bucket, long position) => _events.TryRemove((bucket, position), out _);

    /// <summary>The event at a place, if it is still at hand.</summary>
    public FreshEvent? Find(short bucket, long position) => _events.GetValueOrDefault((bucket, position));
}
