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
    private long _left;
    private int _open;

    /// <summary>Bytes drawn.</summary>
    public long Drawn => Interlocked.Read(ref _drawn);

    /// <summary>Bodies under way.</summary>
    public int Open => _open;

    public void Begin() => Interlocked.Increment(ref _open);

    /// <summary>Bytes of events whose store was given up, and that the inbox has not done with yet.</summary>
    public long Left => Interlocked.Read(ref _left);

    public bool TryDraw(long bytes, long limit)
    {
        if (bytes == 0) return true;
        while (true)
        {
            var drawn = Interlocked.Read(ref _drawn);
            if (drawn + bytes > limit) return false;
            if (Interlocked.CompareExchange(ref _drawn, drawn + bytes, drawn) == drawn) return true;
        }
    }

    /// <summary>Nobody waits for a store any more; what it holds is counted until it has ended.</summary>
    public void Leave(Task store, long bytes)
    {
        Interlocked.Add(ref _left, bytes);
        store.ContinueWith(
            ended =>
            {
                // Looked at, so that it is no unobserved one; the sender was told that it is to come again.
                _ = ended.Exception;
                Interlocked.Add(ref _left, -bytes);
            }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public void End(long drawn)
    {
        Interlocked.Add(ref _drawn, -drawn);
        Interlocked.Decrement(ref _open);
    }
}
