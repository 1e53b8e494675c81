namespace Webhooks.Receiver;

/// <summary>Decides when the feed is to be read next.</summary>
/// <param name="Looked">Whether it was read since the process started.</param>
/// <param name="LookedAt">When it was last read.</param>
/// <param name="LastDelivery">When a delivery last came.</param>
/// <param name="GapSince">Since when a number is missing.</param>
/// <param name="IsPaused">Whether the endpoint was paused then.</param>
/// <param name="IsUnclear">Whether the stream has not begun, or an event is of an epoch whose beginning is unknown.</param>
/// <param name="NotBefore">The end of the wait after a failure.</param>
/// <param name="Jitter">A factor about 1 for the interval, so that a thousand receivers do not ask at once.</param>
internal readonly record struct LookTime(
    bool Looked, DateTimeOffset LookedAt, DateTimeOffset LastDelivery, DateTimeOffset? GapSince, bool IsPaused, bool IsUnclear,
    DateTimeOffset NotBefore, double Jitter)
{
    public DateTimeOffset Next(WebhookReceiverOptions options)
    {
        if (!Looked || IsUnclear) return NotBefore;
        var quietSince = LastDelivery > LookedAt ? LastDelivery : LookedAt;
        var next = quietSince + (options.HeadProbeInterval * Jitter);
        if (IsPaused && LookedAt + options.PausedProbeInterval < next) next = LookedAt + options.PausedProbeInterval;
        if (GapSince is { } since && since + options.GapGrace < next) next = since + options.GapGrace;
        return next > NotBefore ? next : NotBefore;
    }
}
