using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Applications;
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
    private readonly Shelf[] _shelves = Enumerable.Range(0, WebhookApplications.Buckets).Select(_ => new Shelf()).ToArray();
    private int _generation;

    /// <summary>Whether anybody in this process sends.</summary>
    public bool IsKept => options.Value.RunWorker && options.Value.Publishing.FreshBytes > 0;

    /// <summary>Counts how often all were forgotten: what was published before that must not come in afterwards.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>How many places are remembered, of events that are at hand and of those that are not any more.</summary>
    public int Places => _shelves.Sum(shelf => shelf.Places);

    private long Excess => _shelves.Sum(shelf => shelf.Bytes) - options.Value.Publishing.FreshBytes;

    /// <summary>Keeps events that were published when the generation was this one.</summary>
    public void Add(int generation, short bucket, IReadOnlyList<(long Position, FreshEvent Event)> published)
    {
        var shelf = _shelves[bucket];
        lock (shelf)
        {
            if (generation != Generation) return;
            foreach (var (position, one) in published) shelf.Add(position, one);
        }

        // From whichever bucket has most: a platform with one application has all in one.
        while (Excess > 0)
        {
            var fullest = _shelves.MaxBy(one => one.Bytes)!;
            lock (fullest) fullest.Trim(fullest.Bytes - Math.Max(0, Excess));
        }
    }

    /// <summary>All of them: their places may be other events'.</summary>
    public void Forget()
    {
        Interlocked.Increment(ref _generation);
        foreach (var shelf in _shelves)
            lock (shelf) shelf.Trim(0);
    }

    /// <summary>Its data was taken away.</summary>
    public void Forget(short bucket, long position)
    {
        lock (_shelves[bucket]) _shelves[bucket].Remove(position);
    }

    /// <summary>Those events at these places, numbered from one seq on, that are at hand: the latest may not be yet, and the oldest not any more.</summary>
    public List<DeliveryItem> Find(short bucket, IReadOnlyList<long> positions, long first)
    {
        var items = new List<DeliveryItem>(positions.Count);
        lock (_shelves[bucket])
        {
            for (var i = 0; i < positions.Count; i++)
                if (_shelves[bucket].Find(positions[i]) is { } published) items.Add(published.At(first + i));
        }

        return items;
    }

    /// <summary>They have been numbered, and nobody will look for them again.</summary>
    public void Forget(short bucket, IEnumerable<long> positions)
    {
        lock (_shelves[bucket])
            foreach (var position in positions) _shelves[bucket].Remove(position);
    }

    /// <summary>The latest of one bucket; under its own lock.</summary>
    private sealed class Shelf
    {
        // What an event takes beside its data, about.
        private const int Overhead = 250;

        private readonly Dictionary<long, FreshEvent> _events = [];

        // With the places of those that were taken out, until they come to the front or are more than the others.
        private Queue<long> _order = new();
        private long _bytes;

        public long Bytes => Volatile.Read(ref _bytes);

        public int Places => _order.Count;

        public void Add(long position, FreshEvent published)
        {
            Remove(position);
            _events.Add(position, published);
            if (_order.Count > 1000 + (2 * _events.Count)) _order = new Queue<long>(_order.Where(_events.ContainsKey));
            _order.Enqueue(position);
            _bytes += Overhead + published.Data.Length;
        }

        public FreshEvent? Find(long position) => _events.GetValueOrDefault(position);

        public void Remove(long position)
        {
            if (_events.Remove(position, out var published)) _bytes -= Overhead + published.Data.Length;
        }

        public void Trim(long bytes)
        {
            while (_order.TryPeek(out var oldest) && (_bytes > bytes || !_events.ContainsKey(oldest)))
            {
                Remove(oldest);
                _order.Dequeue();
            }
        }
    }
}
