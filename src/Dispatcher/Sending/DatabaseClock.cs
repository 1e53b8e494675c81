namespace Webhooks.Dispatcher.Sending;

/// <summary>
/// The database's time, by an offset measured whenever leases are renewed: it goes into <c>webhook-timestamp</c>, so that a node whose
/// own clock is wrong still signs what receivers accept.
/// </summary>
internal sealed class DatabaseClock(TimeProvider time)
{
    private long _offsetTicks;

    public DateTimeOffset Now => time.GetUtcNow() + Offset;

    /// <summary>How far the database's clock is ahead of this machine's.</summary>
    public TimeSpan Offset => TimeSpan.FromTicks(Interlocked.Read(ref _offsetTicks));

    /// <summary>Takes a reading; half the round trip lies between it and now.</summary>
    public void Measured(DateTimeOffset databaseTime, TimeSpan roundTrip) =>
        Interlocked.Exchange(ref _offsetTicks, (databaseTime + (roundTrip / 2) - time.GetUtcNow()).Ticks);
}
