using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Diagnostics;

namespace Webhooks.Dispatcher.Sending;

/// <summary>A connection failure that this node wrote, and what it found before.</summary>
internal sealed record WrittenFailure(StreamState Before, StreamState Written, TimeSpan At)
{
    /// <summary>What was written at first, when that is being taken back.</summary>
    public StreamState? TakenBack { get; init; }
}

/// <summary>A change of suspicion, with the failures it concerns: those to take back, or those whose next attempt need not wait any more.</summary>
internal sealed record EgressTurn(bool Suspect, IReadOnlyList<KeyValuePair<long, WrittenFailure>> Failures);

/// <summary>Stands between what came of attempts and what is made of them: a failure that may be this node's own fault pauses nobody.</summary>
internal sealed class EgressWatch(TimeProvider time, Random random, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics)
{
    private readonly EgressMonitor _monitor = new(options.Value.Egress);
    private readonly long _origin = time.GetTimestamp();
    private readonly ConcurrentDictionary<long, WrittenFailure> _written = new();
    private TimeSpan _swept;

    /// <summary>Raised when suspicion begins or ends.</summary>
    public event Action<EgressTurn>? Turned;

    public bool IsSuspect => _monitor.IsSuspect;

    private EgressOptions Options => options.Value.Egress;

    /// <summary>To be told of every attempt that has ended.</summary>
    public void Observe(long endpoint, AttemptResult result)
    {
        var now = time.GetElapsedTime(_origin);
        var change = _monitor.Observe(endpoint, result.IsConnectionFailure, now - result.Duration, now);
        if (change == EgressChange.None) return;
        var suspect = change == EgressChange.Suspected;
        metrics.EgressSuspect(suspect);
        var concerned = _written.Where(one => !suspect || now - one.Value.At <= Options.Window).ToList();
        _written.Clear();
        // What is taken back is as it was before, and waits like all that follow.
        if (suspect)
            foreach (var (key, failure) in concerned)
                _written[key] = failure with { Written = failure.Written with { ConsecutiveFailures = failure.Before.ConsecutiveFailures }, TakenBack = failure.Written };
        Turned?.Invoke(new EgressTurn(suspect, concerned));
    }

    /// <summary>To be asked before a failed attempt is recorded: gives what to record instead, where the failure may be this node's own.</summary>
    /// <param name="endpoint">Whose attempt failed; it was observed before.</param>
    /// <param name="result">The attempt.</param>
    /// <param name="before">What delivery remembers of the endpoint's failures.</param>
    /// <param name="decision">What the failure would make of it.</param>
    /// <param name="waits">The schedule.</param>
    public FailureDecision Judge(long endpoint, AttemptResult result, StreamState before, FailureDecision decision, IList<TimeSpan> waits)
    {
        if (!result.IsConnectionFailure) return decision;
        var now = time.GetElapsedTime(_origin);
        // Tried again before its count was put back in the database.
        if (_monitor.IsSuspect && _written.TryGetValue(endpoint, out var last) && last.TakenBack == before)
            before = before with { ConsecutiveFailures = last.Before.ConsecutiveFailures };
        var verdict = _monitor.Judge(endpoint, decision.Pause is not null, now);
        var mended = verdict switch
        {
            EgressVerdict.Suspect => new FailureDecision(before, null, false, EgressRules.WaitWhileSuspect(_monitor.IsSuspect ? now - _monitor.SuspectSince : TimeSpan.Zero, Options.LongestWait, random.NextDouble())),
            EgressVerdict.Confirm => new FailureDecision(before with { Attempts = before.Attempts + 1 }, null, false, EgressRules.WaitToConfirm(Options.ConfirmAfter, waits, random.NextDouble())),
            _ => decision,
        };
        if (mended.Pause is null) Remember(endpoint, before, mended.State, now);
        return mended;
    }

    private void Remember(long endpoint, StreamState before, StreamState written, TimeSpan now)
    {
        _written.AddOrUpdate(endpoint,
            _ => new WrittenFailure(before, written, now),
            // Several within the window are taken back together, unless a delivery came in between.
            (_, last) => new WrittenFailure(last.Written == before && now - last.At <= Options.Window ? last.Before : before, written, now));
        if (_monitor.IsSuspect || now - _swept <= Options.Window) return;
        _swept = now;
        foreach (var (key, failure) in _written)
            if (now - failure.At > Options.Window) _written.TryRemove(key, out _);
    }
}

/// <summary>How long an endpoint waits when its failure was not counted; pure.</summary>
internal static class EgressRules
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(2);

    /// <summary>Half as long as the suspicion has lasted, at least 2 s and at most the longest; of that a half to the whole, so that some endpoint is always trying.</summary>
    public static TimeSpan WaitWhileSuspect(TimeSpan suspectFor, TimeSpan longest, double random)
    {
        var wait = suspectFor / 2;
        if (wait < Shortest) wait = Shortest;
        return (wait < longest ? wait : longest) * (0.5 + (random / 2));
    }

    /// <summary>Never longer than the first wait of the schedule, ±20 %.</summary>
    public static TimeSpan WaitToConfirm(TimeSpan confirmAfter, IList<TimeSpan> waits, double random) =>
        (confirmAfter < waits[0] ? confirmAfter : waits[0]) * (0.8 + (0.4 * random));
}
