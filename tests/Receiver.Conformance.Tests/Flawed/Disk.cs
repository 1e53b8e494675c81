namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>A received event.</summary>
internal sealed record Received(string Id, string Endpoint, long Seq, bool IsVoid);

/// <summary>What outlives the receiver's process. Each member is one commit.</summary>
internal sealed class Disk
{
    private readonly Lock _gate = new();
    private readonly List<Received> _inbox = [];
    private readonly List<Received> _effects = [];

    public long Watermark { get; private set; }

    public IReadOnlyList<Received> Effects
    {
        get
        {
            lock (_gate) return [.. _effects];
        }
    }

    /// <summary>Everything up to here is stored.</summary>
    public long Contiguous
    {
        get
        {
            lock (_gate)
            {
                var seqs = _inbox.Select(one => one.Seq).ToHashSet();
                var at = Watermark;
                while (seqs.Contains(at + 1)) at++;
                return at;
            }
        }
    }

    public long Highest
    {
        get
        {
            lock (_gate) return _inbox.Count == 0 ? 0 : _inbox.Max(one => one.Seq);
        }
    }

    public bool Holds(Received one)
    {
        lock (_gate) return one.Seq <= Watermark || _inbox.Any(known => known.Id == one.Id);
    }

    /// <summary>After which number some are missing; null when none is. One look: what comes between two would seem to follow a gap.</summary>
    public long? GapAfter
    {
        get
        {
            lock (_gate) return Contiguous is var after && Highest > after ? after : null;
        }
    }

    /// <summary>Inserts it unless it is there; the look and the insert are one.</summary>
    public bool Insert(Received one)
    {
        lock (_gate)
        {
            if (one.Seq <= Watermark || _inbox.Any(known => known.Id == one.Id)) return false;
            _inbox.Add(one);
            return true;
        }
    }

    public void InsertBlindly(Received one)
    {
        lock (_gate) _inbox.Add(one);
    }

    public void Effect(Received one)
    {
        lock (_gate) _effects.Add(one);
    }

    public void Mark(long seq)
    {
        lock (_gate) Watermark = Math.Max(Watermark, seq);
    }

    /// <summary>What is next after the watermark; usually one, and none while it is missing.</summary>
    public IReadOnlyList<Received> Next()
    {
        lock (_gate) return [.. _inbox.Where(one => one.Seq == Watermark + 1)];
    }

    /// <summary>The effects of the next number and its mark, in one commit.</summary>
    public bool EffectAndMark()
    {
        lock (_gate)
        {
            var next = Next();
            if (next.Count == 0) return false;
            _effects.AddRange(next.Where(one => !one.IsVoid));
            Watermark++;
            _inbox.RemoveAll(one => one.Seq <= Watermark);
            return true;
        }
    }

    /// <summary>Steps over what is missing.</summary>
    public void SkipTo(Func<long> seq)
    {
        lock (_gate) Watermark = seq();
    }

    public long LowestStored()
    {
        lock (_gate) return _inbox.Where(one => one.Seq > Watermark).Select(one => one.Seq).DefaultIfEmpty(Watermark + 1).Min();
    }

    public void Lose()
    {
        lock (_gate)
        {
            _inbox.Clear();
            Watermark = 0;
        }
    }
}
