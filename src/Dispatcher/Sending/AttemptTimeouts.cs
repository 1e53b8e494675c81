using System.Collections.Concurrent;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Time limits of attempts, used again and again: a source and a timer for each request would be a good part of what a request costs.</summary>
internal sealed class AttemptTimeouts(TimeSpan limit, TimeProvider time) : IDisposable
{
    // Never more than attempts were under way at a time.
    private readonly ConcurrentQueue<CancellationTokenSource> _rested = [];

    /// <summary>A source that is cancelled when the time is up; give it back when the attempt has ended.</summary>
    public CancellationTokenSource Rent()
    {
        if (!_rested.TryDequeue(out var source)) return new CancellationTokenSource(limit, time);
#pragma warning disable RS0030 // It has a timer already, of the TimeProvider it was made with.
        source.CancelAfter(limit);
#pragma warning restore RS0030
        return source;
    }

    public void Return(CancellationTokenSource source)
    {
        // Not one whose time was up, or is up at this moment.
        if (source.TryReset()) _rested.Enqueue(source);
        else source.Dispose();
    }

    public void Dispose()
    {
        while (_rested.TryDequeue(out var source)) source.Dispose();
    }
}
