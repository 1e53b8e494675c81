namespace Webhooks.Receiver;

/// <summary>Spaces the requests to a feed, which allows ten a second: never more within any second, wherever it begins, and after a rest ten at once.</summary>
internal sealed class PagePace
{
    /// <summary>How many go within one <see cref="Window"/>.</summary>
    public const int AtMost = 10;

    /// <summary>A second, and a little for what the network takes from one request and not from another.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMilliseconds(1020);

    private readonly DateTimeOffset[] _latest = new DateTimeOffset[AtMost];
    private int _oldest;

    /// <summary>Takes the next request's place.</summary>
    /// <returns>How long to wait for it; nothing when it may go now.</returns>
    public TimeSpan Take(DateTimeOffset now)
    {
        var free = _latest[_oldest] + Window;
        // No longer than the window: the clock may have been set back since.
        var wait = free <= now ? TimeSpan.Zero : free - now > Window ? Window : free - now;
        _latest[_oldest] = now + wait;
        _oldest = (_oldest + 1) % AtMost;
        return wait;
    }
}
