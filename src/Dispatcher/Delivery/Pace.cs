namespace Webhooks.Dispatcher.Delivery;

/// <summary>Spaces the requests to an endpoint so that no more than its limit go out in a second; pure.</summary>
/// <param name="perSecond">The limit.</param>
internal sealed class Pace(int perSecond)
{
    // A tenth of a second's worth may go at once: waiting is not exact, and what was waited too long is made up for.
    private readonly TimeSpan _interval = TimeSpan.FromSeconds(1.0 / perSecond);
    private readonly TimeSpan _burst = TimeSpan.FromSeconds(1.0 / perSecond) * (perSecond / 10);
    private TimeSpan? _next;

    /// <summary>How long to wait before the request that is taken herewith.</summary>
    /// <param name="now">A time that grows steadily, from anywhere.</param>
    public TimeSpan Take(TimeSpan now)
    {
        // The first has nothing to make up for: an endpoint that changes hands often would otherwise get more than its limit.
        var next = _next ?? now;
        if (next < now - _burst) next = now - _burst;
        var wait = next - now;
        _next = next + _interval;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
