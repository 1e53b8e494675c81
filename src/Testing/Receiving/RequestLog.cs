namespace Webhooks.Testing;

/// <summary>The latest captured requests, and those who wait for one.</summary>
internal sealed class RequestLog(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Queue<CapturedRequest> _kept = [];
    private readonly List<Waiter> _waiters = [];
    private long _count;
    private int _watched;

    public long Count => Interlocked.Read(ref _count);

    public CapturedRequest[] Snapshot()
    {
        lock (_lock) return [.. _kept];
    }

    /// <summary>Counts a request; <paramref name="capture"/> is only called when it is to be kept or somebody waits.</summary>
    public void Add(Func<long, CapturedRequest> capture)
    {
        if (capacity == 0 && Volatile.Read(ref _watched) == 0)
        {
            Interlocked.Increment(ref _count);
            return;
        }

        lock (_lock)
        {
            var request = capture(Interlocked.Increment(ref _count));
            if (capacity > 0)
            {
                if (_kept.Count == capacity) _kept.Dequeue();
                _kept.Enqueue(request);
            }

            foreach (var waiter in _waiters)
                if (waiter.Wants(request)) waiter.Found.TrySetResult(request);
        }
    }

    /// <summary>The first request, kept or still to come, that is wanted.</summary>
    public async Task<CapturedRequest?> WaitAsync(
        Func<CapturedRequest, bool> wants, Func<bool> isDone, TimeSpan timeout, CancellationToken ct)
    {
        var waiter = new Waiter(wants, new(TaskCreationOptions.RunContinuationsAsynchronously));
        Interlocked.Increment(ref _watched);
        try
        {
            lock (_lock)
            {
                if (_kept.FirstOrDefault(wants) is { } found) return found;
                if (isDone()) return null;
                _waiters.Add(waiter);
            }

            return await waiter.Found.Task.WaitAsync(timeout, TimeProvider.System, ct);
        }
        finally
        {
            Interlocked.Decrement(ref _watched);
            lock (_lock) _waiters.Remove(waiter);
        }
    }

    private sealed record Waiter(Func<CapturedRequest, bool> Wants, TaskCompletionSource<CapturedRequest> Found);
}
