namespace Webhooks.Receiver;

/// <summary>
/// How much memory the bodies under way may take together. A small one always has its place, so that however many slow large ones there are, small ones
/// are served; a large one that finds none is sent away, for it may come again.
/// </summary>
internal sealed class BodyBudget
{
    /// <summary>Up to so many bytes a body draws nothing. Most webhooks are smaller.</summary>
    public const int Small = 16 * 1024;

    private long _drawn;
    private int _open;

    /// <summary>Bytes drawn.</summary>
    public long Drawn => Interlocked.Read(ref _drawn);

    /// <summary>Bodies under way.</summary>
    public int Open => _open;

    public void Begin() => Interlocked.Increment(ref _open);

    public bool TryDraw(long bytes, long limit)
    {
        if (Interlocked.Add(ref _drawn, bytes) <= limit) return true;
        Interlocked.Add(ref _drawn, -bytes);
        return false;
    }

    public void End(long drawn)
    {
        Interlocked.Add(ref _drawn, -drawn);
        Interlocked.Decrement(ref _open);
    }
}
