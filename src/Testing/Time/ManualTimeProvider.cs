namespace Webhooks.Testing;

/// <summary>
/// A clock that stands still until it is told to move. Timers, and so <c>Task.Delay</c>, <c>CancellationTokenSource</c> and <c>PeriodicTimer</c>
/// made with it, fire when the clock passes their due time, in the order of due times, on the thread that moves the clock. Thread-safe.
/// </summary>
public sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _armed = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private DateTimeOffset _utcStart;
    private long _elapsed;
    private long _armings;

    /// <summary>A clock that shows a fixed time, 2026-01-01 00:00:00 UTC.</summary>
    public ManualTimeProvider() : this(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)) { }

    /// <summary>A clock that shows <paramref name="start"/>.</summary>
    public ManualTimeProvider(DateTimeOffset start) => _utcStart = start.ToUniversalTime();

    /// <summary>
    /// When true, the clock jumps to a timer's due time as soon as the timer is armed, so that nothing ever waits; default false.
    /// Code that waits periodically for ever then runs for ever without a pause.
    /// </summary>
    public bool AutoAdvance { get; init; }

    /// <summary>How far the clock moves each time it is read, as if reading took that long; default zero.</summary>
    public TimeSpan AdvanceOnRead { get; init; }

    /// <summary>How many timers are waiting for their time.</summary>
    public int ArmedTimers
    {
        get { lock (_lock) return _armed.Count; }
    }

    /// <summary>Ticks of 100 ns.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>UTC, whatever the machine's is.</summary>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        DateTimeOffset now;
        lock (_lock) now = _utcStart.AddTicks(_elapsed);
        if (AdvanceOnRead > TimeSpan.Zero) Advance(AdvanceOnRead);
        return now;
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        long now;
        lock (_lock) now = _elapsed;
        if (AdvanceOnRead > TimeSpan.Zero) Advance(AdvanceOnRead);
        return now;
    }

    /// <summary>Moves the clock on, and fires every timer that falls due on the way, each at its own time.</summary>
    /// <param name="by">How far; zero fires what is due already.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long until;
        lock (_lock) until = _elapsed + by.Ticks;
        FireUntil(until);
    }

    /// <summary>Moves the clock on to a time; as <see cref="Advance"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time has passed; <see cref="ShiftWallClock"/> goes back.</exception>
    public void SetUtcNow(DateTimeOffset value)
    {
        long until;
        lock (_lock)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, _utcStart.AddTicks(_elapsed));
            until = (value - _utcStart).Ticks;
        }

        FireUntil(until);
    }

    /// <summary>Sets the wall clock forward or back, as an operator or a time server does: timestamps and timers do not notice.</summary>
    public void ShiftWallClock(TimeSpan by)
    {
        lock (_lock) _utcStart += by;
    }

    /// <summary>Waits, in real time, until at least so many timers are armed: the code under test has come to its wait.</summary>
    /// <param name="count">How many, at least.</param>
    /// <param name="timeout">How long; null for 30 s.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="TimeoutException">They were fewer all the time.</exception>
    public async Task WaitForTimersAsync(int count, TimeSpan? timeout = null, CancellationToken ct = default)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_armed.Count >= count) return;
            _waiters.Add((count, reached));
        }

        try
        {
            await reached.Task.WaitAsync(timeout ?? TimeSpan.FromSeconds(30), System, ct);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{ArmedTimers} timers are waiting where {count} were expected.");
        }
        finally
        {
            lock (_lock) _waiters.RemoveAll(w => w.Reached == reached);
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    internal bool Arm(ManualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer.ThrowIfOutOfRange(dueTime);
        ManualTimer.ThrowIfOutOfRange(period);
        lock (_lock)
        {
            if (timer.IsDisposed) return false;
            _armed.Remove(timer);
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            timer.Period = period.Ticks;
            Enlist(timer, _elapsed + dueTime.Ticks);
        }

        // On another thread: whoever arms a timer does not expect it to fire before the call has returned.
        if (AutoAdvance) ThreadPool.UnsafeQueueUserWorkItem(static t => t.Clock.FireUntil(t.Due), timer, preferLocal: false);
        else if (dueTime == TimeSpan.Zero) ThreadPool.UnsafeQueueUserWorkItem(static t => t.Clock.Advance(TimeSpan.Zero), timer, preferLocal: false);
        return true;
    }

    internal void Disarm(ManualTimer timer)
    {
        lock (_lock)
        {
            timer.IsDisposed = true;
            _armed.Remove(timer);
        }
    }

    private void FireUntil(long until)
    {
        while (true)
        {
            ManualTimer? next;
            lock (_lock)
            {
                next = _armed.Where(t => t.Due <= until).MinBy(t => (t.Due, t.Order));
                if (next is null)
                {
                    _elapsed = Math.Max(_elapsed, until);
                    return;
                }

                _elapsed = Math.Max(_elapsed, next.Due);
                _armed.Remove(next);
                if (next.Period > 0) Enlist(next, next.Due + next.Period);
            }

            if (AutoAdvance && next.Period > 0)
                ThreadPool.UnsafeQueueUserWorkItem(static t => t.Clock.FireUntil(t.Due), next, preferLocal: false);
            next.Fire();
        }
    }

    private void Enlist(ManualTimer timer, long due)
    {
        timer.Due = due;
        timer.Order = _armings++;
        _armed.Add(timer);
        foreach (var (count, reached) in _waiters)
            if (_armed.Count >= count) reached.TrySetResult();
    }
}
