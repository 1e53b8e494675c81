namespace Webhooks.Receiver;

/// <summary>
/// Which epoch holds at which number. An event counts at its number when it is of the epoch that holds there, or of a later known one: a sender
/// may restate an old number under its present epoch, but an event of an earlier epoch at or above a later one's beginning is superseded.
/// </summary>
public sealed class EpochMap
{
    private readonly EpochStart[] _starts;

    private EpochMap(EpochStart[] starts) => _starts = starts;

    /// <summary>No epoch is known.</summary>
    public static EpochMap Empty { get; } = new([]);

    /// <summary>The latest epoch whose beginning is known; 0 when none is.</summary>
    public int Latest => _starts.Length == 0 ? 0 : _starts[^1].Epoch;

    /// <summary>The epochs in order.</summary>
    public IReadOnlyList<EpochStart> Starts => _starts;

    /// <summary>A map that knows one epoch more; the same when it knew it.</summary>
    public EpochMap With(EpochStart start) =>
        _starts.Any(known => known.Epoch == start.Epoch) ? this : new([.. _starts.Append(start).OrderBy(known => known.Epoch)]);

    /// <summary>The epoch that holds at a number; 0 before the first known one.</summary>
    public int At(long seq)
    {
        for (var i = _starts.Length - 1; i >= 0; i--)
            if (_starts[i].Seq <= seq) return _starts[i].Epoch;
        return 0;
    }

    /// <summary>Whether an event of this epoch counts at this number.</summary>
    public bool Counts(int epoch, long seq) => epoch >= At(seq) && epoch <= Latest;

    /// <summary>
    /// Where to go on from: the watermark, or, when a later epoch has begun at or below it, the number before that beginning.
    /// </summary>
    public long Base(StreamPosition position)
    {
        var seq = position.Seq;
        foreach (var start in _starts)
            if (start.Epoch > position.Epoch && start.Seq <= seq) seq = start.Seq - 1;
        return seq;
    }

    /// <summary>Whether everything at this number is behind a watermark.</summary>
    public bool IsBehind(StreamPosition position, int epoch, long seq) => epoch <= Latest && seq <= Base(position);
}
