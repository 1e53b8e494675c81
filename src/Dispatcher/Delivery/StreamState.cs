using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>What delivery remembers of an endpoint's failures.</summary>
/// <param name="ConsecutiveFailures">Failed deliveries in a row that count.</param>
/// <param name="Attempts">Attempts made for the event at the head of the line.</param>
/// <param name="ThrottledSince">Since when it has answered nothing but 429.</param>
/// <param name="Probing">Whether the next delivery is the lone one after a receiver asked for delivery again.</param>
internal sealed record StreamState(int ConsecutiveFailures, int Attempts, DateTimeOffset? ThrottledSince, bool Probing)
{
    public static readonly StreamState Clean = new(0, 0, null, false);

    /// <summary>What a failed attempt makes of it; pure (design 5.3).</summary>
    /// <param name="result">The attempt.</param>
    /// <param name="threshold">How many in a row pause.</param>
    /// <param name="options">The waits, and how long throttling may go on.</param>
    /// <param name="random">In [0, 1).</param>
    /// <param name="isNews">False when it is part of a failure that was counted already: it began before the wait after that was over.</param>
    public FailureDecision Apply(AttemptResult result, int threshold, DeliveryOptions options, double random, bool isNews = true)
    {
        var throttledSince = result.Outcome == AttemptOutcome.Throttled ? ThrottledSince ?? result.StartedAt : (DateTimeOffset?)null;
        // Asking to slow down is not failing, until it goes on for longer than anyone would mean it.
        var counts = isNews && (result.Outcome != AttemptOutcome.Throttled || result.StartedAt - throttledSince >= options.ThrottleLimit);
        var next = new StreamState(counts ? ConsecutiveFailures + 1 : ConsecutiveFailures, Attempts + 1, throttledSince,
            // Asked to come later, the probe has shown nothing: the next attempt is still it.
            Probing: Probing && !counts);

        PauseReason? pause = result.Outcome == AttemptOutcome.Gone ? PauseReason.Gone
            : counts && (Probing || next.ConsecutiveFailures >= threshold) ? PauseReason.Failing
            : null;
        return new FailureDecision(next, pause, counts, pause is null ? Backoff.Next(next.Attempts, result.RetryAfter, options.EffectiveWaits, random) : TimeSpan.Zero);
    }
}

/// <summary>What follows a failed attempt: a pause, or a wait and another attempt.</summary>
internal sealed record FailureDecision(StreamState State, PauseReason? Pause, bool Counts, TimeSpan Wait);

/// <summary>How a failure leaves the endpoint.</summary>
internal enum FailureForm
{
    /// <summary>It waits or is paused, and the lease ends.</summary>
    Wait,

    /// <summary>Only the event waits, beside the stream; news may be sent at once. The lease ends.</summary>
    Rest,

    /// <summary>It is paused, and the lease stays for what is still under way.</summary>
    KeepLease,
}

/// <summary>How long to wait before the next attempt; pure.</summary>
internal static class Backoff
{
    private const double Jitter = 0.2;

    /// <summary>The schedule's wait after this many attempts, ±20 %, or what the endpoint asked for, whichever is longer.</summary>
    /// <param name="attempts">Attempts made so far, at least 1.</param>
    /// <param name="retryAfter">What the endpoint asked for, already bounded.</param>
    /// <param name="waits">The schedule; the last one repeats.</param>
    /// <param name="random">In [0, 1).</param>
    public static TimeSpan Next(int attempts, TimeSpan? retryAfter, IList<TimeSpan> waits, double random)
    {
        var scheduled = waits[Math.Min(attempts, waits.Count) - 1] * (1 - Jitter + (2 * Jitter * random));
        return retryAfter > scheduled ? retryAfter.Value : scheduled;
    }
}
