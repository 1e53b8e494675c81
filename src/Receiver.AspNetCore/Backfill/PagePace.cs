namespace Webhooks.Receiver;

/// <summary>Spaces the requests to a feed, which allows ten at once and then ten a second: some at once after a rest, then a little fewer than that.</summary>
internal struct PagePace
{
    /// <summary>From one request to the next, where there was no rest.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(102);

    /// <summary>How many go at once after a rest; what the feed allows beyond that is for a process that is started anew.</summary>
    public const int AtOnce = 8;

    private DateTimeOffset _due;

    /// <summary>Takes the next request's place.</summary>
    /// <returns>How long to wait for it; nothing or less when it may go now.</returns>
    public TimeSpan Take(DateTimeOffset now)
    {
        var rested = now - ((AtOnce - 1) * Interval);
        if (_due < rested) _due = rested;
        var wait = _due - now;
        _due += Interval;
        return wait;
    }
}
