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

    // Offered beyond what was read: what lies before them comes from the database, and then these need not.
    private readonly Queue<DeliveryItem> _offered = new();
    private Task<ReadEvents>? _reading;
    private long _read = lease.Cursor;
    private int _readPeriod;
    private long _readAt = time.GetTimestamp();
    private int _share = Math.Min(most, 4 * Least);
    private bool _more = true;
    private bool _readsGap;
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
    public bool MayRead => _reading is not null || _more || _offered.Count > 0 || Volatile.Read(ref _grown) == 1;

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
    /// Takes events of the stream from whoever has just numbered them, if they are soon to be sent and there is room: they need not be read then. What lies between them and
    /// what was read so far is read first.
    /// </summary>
    /// <param name="items">In order; some may be missing.</param>
    /// <param name="head">How far the stream has grown.</param>
    public void Offer(IReadOnlyList<DeliveryItem> items, long head)
    {
        var last = 0L;
        lock (gate)
        {
            if (_closed) return;
            // What is far from being sent must not hold memory until then.
            if (_items.Count + _offered.Count <= 4 * most && items.Count > 0 && items[0].Seq - _read <= 4 * most) last = Hold(items);
            if (_reading is null) JoinOffered();
        }

        if (last == head) _news.Set();
        else Grown();
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
            foreach (var (i, item) in read.Items.Index())
            {
                // Settling goes by the highest number delivered: one that is missing must stop everything rather than be passed over.
                if (item.Seq != ++_read)
                {
                    reader.Release(read.Items.Skip(i).Sum(rest => (long)rest.Data.Length));
                    throw new InvalidOperationException($"The stream of {lease.Id} lacks seq {_read}: its event is not in the database.");
                }

                _readPeriod = item.Period;
                _items.Enqueue(item);
            }

            // Numbered before what was offered behind it, and yet not there: of another epoch, or no longer kept. Not to be asked for again and again.
            if (_readsGap && !read.More) DropOffered();
            if (!_readsGap) _more = read.More;
            return JoinOffered() || read.Items.Count > 0;
        }
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
            DropOffered();
        }

        if (reading is null) return;
        await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (reading.IsCompletedSuccessfully) reader.Release(reading.Result.Items.Sum(item => (long)item.Data.Length));
    }

    /// <summary>Begins to read, unless that was begun, or all there was has been read: asking once more costs as much as what is found.</summary>
    private bool IsReading(CancellationToken cancel)
    {
        if (_reading is not null) return true;
        _readsGap = _offered.Count > 0;
        // Forgotten before the read begins: what is committed after that is announced after that.
        if (!_readsGap && Interlocked.Exchange(ref _grown, 0) == 0 && !_more) return false;
        _share = time.GetElapsedTime(_readAt) < Moment ? Math.Min(most, _share * 2) : Math.Max(Math.Min(most, Least), _share / 2);
        _readAt = time.GetTimestamp();
        _reading = reader.ReadAsync(lease, _read, _readPeriod, _readsGap ? MissingAhead() : _share, cancel);
        return true;
    }

    /// <summary>How many numbers to read to have what is missing before and among the offered. Few that are at hand are read again: that costs less than another read.</summary>
    private int MissingAhead()
    {
        var (missing, last, atHand) = (0L, _read, 0);
        foreach (var item in _offered)
        {
            if (item.Seq > last + 1)
            {
                if (atHand >= Least) break;
                (missing, atHand) = (item.Seq - 1 - _read, 0);
                if (missing >= _share) break;
            }

            (last, atHand) = (item.Seq, atHand + 1);
        }

        return (int)Math.Min(_share, missing);
    }

    /// <summary>Takes as many as there is room for; the last of them, or 0.</summary>
    private long Hold(IReadOnlyList<DeliveryItem> items)
    {
        var last = 0L;
        foreach (var item in items)
        {
            if (!reader.TryHold(item.Data.Length)) return last;
            _offered.Enqueue(item);
            last = item.Seq;
        }

        return last;
    }

    /// <summary>Takes those of the offered that follow on what was read; false for none.</summary>
    private bool JoinOffered()
    {
        var before = _read;
        while (_offered.TryPeek(out var next) && next.Seq <= _read + 1)
        {
            _offered.Dequeue();
            if (next.Seq <= _read)
            {
                reader.Release(next.Data.Length);
                continue;
            }

            _items.Enqueue(next);
            _read = next.Seq;
        }

        return _read > before;
    }

    private void DropOffered()
    {
        reader.Release(_offered.Sum(item => (long)item.Data.Length));
        _offered.Clear();
    }
}
