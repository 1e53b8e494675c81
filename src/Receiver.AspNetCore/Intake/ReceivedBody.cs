using System.Buffers;

namespace Webhooks.Receiver;

/// <summary>A body as far as it has arrived, in memory of the shared pool that grows with it: what is only stated takes none.</summary>
internal sealed class ReceivedBody : IDisposable
{
    private const int FirstBuffer = 512;

    private readonly BodyBudget _budget;
    private readonly long _limit;
    private byte[] _buffer = [];
    private int _length;
    private long _drawn;
    private bool _ended;

    public ReceivedBody(BodyBudget budget, long limit)
    {
        (_budget, _limit) = (budget, limit);
        budget.Begin();
    }

    public int Length => _length;

    /// <summary>What has arrived; gone with <see cref="Dispose"/>.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Takes what has come next. False when there is no room for it.</summary>
    public bool TryAppend(ReadOnlySequence<byte> next)
    {
        var needed = _length + (int)next.Length;
        if (needed > _buffer.Length && !TryGrow(needed)) return false;
        next.CopyTo(_buffer.AsSpan(_length));
        _length = needed;
        return true;
    }

    /// <summary>Ends it, and gives its memory back: the bytes must not be looked at any more.</summary>
    public void Dispose()
    {
        if (_ended) return;
        _ended = true;
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _budget.End(_drawn);
    }

    private bool TryGrow(int needed)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(_buffer.Length * 2, FirstBuffer)));
        var more = larger.Length > BodyBudget.Small ? larger.Length - _drawn : 0;
        if (!_budget.TryDraw(more, _limit))
        {
            ArrayPool<byte>.Shared.Return(larger);
            return false;
        }

        _drawn += more;
        Memory.CopyTo(larger);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
        return true;
    }
}
