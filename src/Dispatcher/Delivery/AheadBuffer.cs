using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>
/// The next events of one stream, read before they are needed: as many as the endpoint takes in a moment, so that a slow one does not hold
/// memory that others need.
/// </summary>
/// <param name="lease">The stream, from its cursor on.</param>
/// <param name="reader">Reads for many streams at once.</param>
/// <param name="most">The most events to read at a time.</param>
/// <param name="gate">Guards what is taken and peeked at.</param>
/// <param name="time">Measures how fast the endpoint takes them.</param>
internal sealed class AheadBuffer(EndpointLease lease, ReadAhead reader, int most, Lock gate, TimeProvider time)
{
    private const int Least = 8;
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    private readonly Signal _news = new(time);
    private readonly Queue<DeliveryItem> _items = new();
    private Task<ReadEvents>? _reading;
    private long _read = lease.Cursor;
    private int _readPeriod;
    private long _readAt = time.GetTimestamp();
    private int _share = Math.Min(most, 4 * Least);
    private bool _more = true;
    private int _grown;
    private bool _closed;

    /// <summary>How many are at hand. Under the gate.</summary>
    public int Count => _items.Count;

    /// <summary>The first, without taking it. Under the gate.</summary>
    public DeliveryItem Peek() => _items.Peek();

    /// <summary>Takes the first. Under the gate.</summary>
    public DeliveryItem Take()
    {
        var item = _items.Dequeue();
        reader.Release(item.Data.Length);
        return item;
    }

    /// <summary>All that are at hand, without taking them. Under the gate.</summary>
    public IEnumerable<DeliveryItem> Waiting => _items;

    /// <summary>Whether a read is under way or would find more, as far as is known. Under the gate.</summary>
    public bool MayRead => _reading is not null || _more || Volatile.Read(ref _grown) == 1;

    /// <summary>Puts back what was taken last, to be taken again. Under the gate.</summary>
    public void PutBack(IReadOnlyList<DeliveryItem> items)
    {
        DeliveryItem[] rest = [.. _items];
        _items.Clear();
        foreach (var item in items.Concat(rest)) _items.Enqueue(item);
        reader.Release(-items.Sum(item => (long)item.Data.Length));
    }

    /// <summary>The stream has grown.</summary>
    public void Grown()
    {
        Volatile.Write(ref _grown, 1);
        _news.Set();
    }

    /// <summary>
    /// Takes the next events of the stream from whoever has just numbered them, if they follow on what was read and there is room; they need not be read then.
    /// </summary>
    public bool TryOffer(IReadOnlyList<DeliveryItem> items)
    {
        lock (gate)
        {
            if (_closed || _reading is not null || items[0].Seq != _read + 1 || _items.Count > 4 * most || !reader.TryHold(items.Sum(item => (long)item.Data.Length))) return false;
            foreach (var item in items) _items.Enqueue(item);
            _read = items[^1].Seq;
        }

        _news.Set();
        return true;
    }

    /// <summary>The database may have more than was announced.</summary>
    public void MayHaveMore() => _more = true;

    /// <summary>Ends waiting.</summary>
    public void Wake() => _news.Set();

    /// <summary>Reads on while requests are on their way, once half of what was read is used up.</summary>
    public void Prefetch(CancellationToken cancel)
    {
        if (_items.Count < _share / 2) IsReading(cancel);
    }

    /// <summary>Reads, or waits until there is something to read. For one caller at a time.</summary>
    /// <returns>False when nothing was added: there is nothing, or it was woken for another reason.</returns>
    public async Task<bool> FillAsync(TimeSpan patience, CancellationToken cancel)
    {
        bool reading;
        lock (gate) reading = IsReading(cancel);
        if (!reading && !await _news.WaitAsync(patience, cancel)) return false;
        lock (gate)
        {
            if (_reading is null && _items.Count > 0) return true;
            reading = IsReading(cancel);
        }

        if (!reading) return false;
        var read = await _reading!;
        lock (gate)
        {
            _reading = null;
            foreach (var item in read.Items)
            {
                // Settling goes by the highest number delivered: one that is missing must stop everything rather than be passed over.
                if (item.Seq != ++_read)
                    throw new InvalidOperationException($"The stream of {lease.Id} lacks seq {_read}: its event is not in the database.");
                _readPeriod = item.Period;
                _items.Enqueue(item);
            }

            _more = read.More;
        }

        return read.Items.Count > 0;
    }

    /// <summary>Gives back what was not taken, and takes nothing any more.</summary>
    public async Task DiscardAsync()
    {
        Task<ReadEvents>? reading;
        lock (gate)
        {
            _closed = true;
            (reading, _reading) = (_reading, null);
            reader.Release(_items.Sum(item => (long)item.Data.Length));
            _items.Clear();
        }

        if (reading is null) return;
        await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (reading.IsCompletedSuccessfully) reader.Release(reading.Result.Items.Sum(item => (long)item.Data.Length));
    }

    /// <summary>Begins to read, unless that was begun, or all there was has been read: asking once more costs as much as what is found.</summary>
    private bool IsReading(CancellationToken cancel)
    {
        // Forgotten before the read begins: what is committed after that is announced after that.
        if (_reading is null && (Interlocked.Exchange(ref _grown, 0) == 1 || _more))
        {
            _share = time.GetElapsedTime(_readAt) < Moment ? Math.Min(most, _share * 2) : Math.Max(Math.Min(most, Least), _share / 2);
            _readAt = time.GetTimestamp();
            _reading = reader.ReadAsync(lease, _read, _readPeriod, _share, cancel);
        }

        return _reading is not null;
    }
}
