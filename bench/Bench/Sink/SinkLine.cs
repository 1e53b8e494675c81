using System.Collections;

namespace Webhooks.Bench.Sink;

/// <summary>What has arrived of one endpoint's stream. Which numbers have come is kept in bits, so that they may come in any order.</summary>
internal sealed class SinkLine
{
    private readonly Lock _lock = new();
    private BitArray? _seen;
    private long _requests, _distinct, _repeated, _outOfOrder, _broken;
    private long _highest;

    public void CountRequest() => Interlocked.Increment(ref _requests);

    public void CountBroken() => Interlocked.Increment(ref _broken);

    public void Take(long seq)
    {
        if (seq is < 1 or > MostSeq)
        {
            CountBroken();
            return;
        }

        lock (_lock)
        {
            _seen ??= new BitArray(64);
            if (seq >= _seen.Length) _seen.Length = (int)Math.Max(seq + 1, Math.Min(2L * _seen.Length, MostSeq));
            if (_seen[(int)seq])
            {
                _repeated++;
                return;
            }

            _seen[(int)seq] = true;
            _distinct++;
            if (seq != _highest + 1) _outOfOrder++;
            _highest = Math.Max(_highest, seq);
        }
    }

    public SinkCounts Count()
    {
        lock (_lock) return new SinkCounts(Interlocked.Read(ref _requests), _distinct, _repeated, _outOfOrder, Interlocked.Read(ref _broken));
    }

    private const long MostSeq = 1_000_000_000;
}
