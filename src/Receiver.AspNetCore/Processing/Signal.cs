namespace Webhooks.Receiver;

/// <summary>Wakes one waiting loop. A signal given while nobody waits is kept, once.</summary>
internal sealed class Signal : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _semaphore = new(0, 1);

    /// <summary>Whether a signal is kept that nobody has taken.</summary>
    public bool IsSet => _semaphore.CurrentCount > 0;

    public void Set()
    {
        try
        {
            if (_semaphore.CurrentCount == 0) _semaphore.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else was faster; one signal is enough.
        }
    }

    /// <summary>Waits for a signal, or until the time is up.</summary>
    public async Task WaitAsync(TimeSpan? timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        if (timeout is not { } limit)
        {
            await _semaphore.WaitAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        if (limit <= TimeSpan.Zero) return;
        // Timers have an upper limit, and whoever waits looks anew when it wakes. They know whole milliseconds only, and cut off the rest: a loop
        // would turn again and again within the last one.
        limit = limit > Longest ? Longest : TimeSpan.FromMilliseconds(Math.Ceiling(limit.TotalMilliseconds));
        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            await _semaphore.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time is up.
        }
    }

    public void Dispose() => _semaphore.Dispose();
}
