namespace Webhooks.Testing;

/// <summary>A timer of a <see cref="ManualTimeProvider"/>, which guards every field but the callback's.</summary>
internal sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    public ManualTimeProvider Clock => clock;

    public long Due { get; set; }

    public long Order { get; set; }

    public long Period { get; set; }

    public bool IsDisposed { get; set; }

    public static void ThrowIfOutOfRange(TimeSpan time)
    {
        if (time < TimeSpan.Zero && time != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(time), time, "A timer's due time and period are not negative.");
    }

    public bool Change(TimeSpan dueTime, TimeSpan period) => clock.Arm(this, dueTime, period);

    public void Fire()
    {
        if (_context is null) callback(state);
        else ExecutionContext.Run(_context, static t => ((ManualTimer)t!).Invoke(), this);
    }

    public void Dispose() => clock.Disarm(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    private void Invoke() => callback(state);
}
