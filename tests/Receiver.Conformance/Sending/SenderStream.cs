using System.Globalization;

namespace Webhooks.Conformance.Sending;

/// <summary>The stream that the suite publishes: numbered without holes from the first number on, and kept whole for the feed.</summary>
internal sealed class SenderStream(string endpoint, string run, long first)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, SentEvent> _published = [];
    private readonly HashSet<long> _accepted = [];
    private int _drafts;

    public string Endpoint => endpoint;

    /// <summary>What the ids of this run begin with; others in the receiver's store are not of this run.</summary>
    public string IdPrefix => $"evt_conf_{run}_";

    public long Floor => first;

    public long Head
    {
        get
        {
            lock (_gate) return first + _published.Count - 1;
        }
    }

    /// <summary>Everything up to here was accepted.</summary>
    public long Cursor
    {
        get
        {
            lock (_gate)
            {
                var cursor = first - 1;
                while (_accepted.Contains(cursor + 1)) cursor++;
                return cursor;
            }
        }
    }

    /// <summary>Publishes the next event.</summary>
    public SentEvent Next(string? data = null) =>
        Publish(seq => SentEvent.Build(Id(seq), endpoint, seq, data ?? string.Create(CultureInfo.InvariantCulture, $$"""{"number":{{seq}}}""")));

    /// <summary>Publishes the next event, whose data is expunged.</summary>
    public SentEvent NextVoid() => Publish(seq => SentEvent.BuildVoid(Id(seq), endpoint, seq));

    public SentEvent[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <summary>An event that nobody published, with the number that comes next: what a forger would send.</summary>
    public SentEvent Draft(string? data = null, string? of = null)
    {
        var id = $"{IdPrefix}forged_{Interlocked.Increment(ref _drafts)}";
        return SentEvent.Build(id, of ?? endpoint, Head + 1, data ?? """{"forged":true}""");
    }

    /// <summary>A receiver that took what it should have refused has used the number; the others are to be judged nevertheless.</summary>
    public void Adopt(SentEvent forged)
    {
        lock (_gate)
        {
            if (_published.ContainsKey(forged.Seq)) return;
            _published.Add(forged.Seq, forged);
            _accepted.Add(forged.Seq);
        }
    }

    public void Accepted(long seq)
    {
        lock (_gate) _accepted.Add(seq);
    }

    public IReadOnlyList<SentEvent> NotAccepted()
    {
        lock (_gate) return [.. _published.Where(one => !_accepted.Contains(one.Key)).Select(one => one.Value)];
    }

    public IReadOnlyList<SentEvent> After(long seq, int limit)
    {
        lock (_gate) return [.. _published.Where(one => one.Key > seq).Take(limit).Select(one => one.Value)];
    }

    private SentEvent Publish(Func<long, SentEvent> build)
    {
        lock (_gate)
        {
            var seq = first + _published.Count;
            var next = build(seq);
            _published.Add(seq, next);
            return next;
        }
    }

    private string Id(long seq) => string.Create(CultureInfo.InvariantCulture, $"{IdPrefix}{seq}");
}
