using System.Collections.Concurrent;

namespace Webhooks.Dispatcher.Sending;

/// <summary>What an attempt may be broken off by: the end of its time, or the end of the process.</summary>
internal sealed class AttemptLimit : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _source = new();
    private long _until = long.MaxValue;
    private bool _disposed;

    public CancellationToken Token => _source.Token;

    public bool IsOver => _source.IsCancellationRequested;

    public void Begin(long until)
    {
        lock (_gate) _until = until;
    }

    /// <summary>Ends it, if its time is up by now.</summary>
    public void EndIfUp(long now)
    {
        if (Volatile.Read(ref _until) > now) return;
        // Under the gate, or it might be the next attempt's by the time it is cancelled.
        lock (_gate)
            if (_until <= now && !_disposed) _source.Cancel();
    }

    /// <summary>The attempt has ended; false when it was broken off, and this cannot be used again.</summary>
    public bool TryRest()
    {
        lock (_gate)
        {
            _until = long.MaxValue;
            return !_source.IsCancellationRequested;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _source.Dispose();
        }
    }
}

/// <summary>
/// Time limits of attempts, watched by one timer for all: a timer and a registration for each request would be a good part of what a request costs,
/// and all requests would wait for each other's.
/// </summary>
internal sealed class AttemptTimeouts : IDisposable
{
    private static readonly TimeSpan CoarsestLook = TimeSpan.FromMilliseconds(100);

    // Never more than attempts were under way at a time.
    private readonly ConcurrentQueue<AttemptLimit> _rested = [];
    private readonly ConcurrentDictionary<AttemptLimit, bool> _all = new();
    private readonly TimeProvider _time;
    private readonly long _ticks;
    private readonly ITimer _timer;
    private CancellationToken _abort;
    private CancellationTokenRegistration _registration;

    public AttemptTimeouts(TimeSpan limit, TimeProvider time)
    {
        _time = time;
        _ticks = (long)(limit.TotalSeconds * time.TimestampFrequency);
        var look = limit / 20 < CoarsestLook ? limit / 20 : CoarsestLook;
        _timer = time.CreateTimer(static self => ((AttemptTimeouts)self!).Look(), this, look, look);
    }

    /// <summary>A limit that begins now; give it back when the attempt has ended.</summary>
    /// <param name="abort">Breaks off all that is under way: the same for every attempt.</param>
    public AttemptLimit Rent(CancellationToken abort)
    {
        if (abort != _abort) Watch(abort);
        if (!_rested.TryDequeue(out var limit)) _all[limit = new AttemptLimit()] = true;
        limit.Begin(_time.GetTimestamp() + _ticks);
        // What began when all was being broken off already.
        if (abort.IsCancellationRequested) limit.EndIfUp(long.MaxValue - 1);
        return limit;
    }

    public void Return(AttemptLimit limit)
    {
        if (limit.TryRest())
        {
            _rested.Enqueue(limit);
        }
        else
        {
            _all.TryRemove(limit, out _);
            limit.Dispose();
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _registration.Dispose();
        foreach (var (limit, _) in _all) limit.Dispose();
    }

    private void Watch(CancellationToken abort)
    {
        lock (_all)
        {
            if (abort == _abort) return;
            _registration.Dispose();
            _abort = abort;
            _registration = abort.UnsafeRegister(static self => ((AttemptTimeouts)self!).EndAll(), this);
        }
    }

    private void Look()
    {
        var now = _time.GetTimestamp();
        foreach (var (limit, _) in _all) limit.EndIfUp(now);
    }

    private void EndAll()
    {
        // One less than what stands for none under way.
        foreach (var (limit, _) in _all) limit.EndIfUp(long.MaxValue - 1);
    }
}
