using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 6, decided without a clock, a socket or a database.</summary>
public class StreamStateTests
{
    private static readonly DeliveryOptions Options = new();
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Apply_Gone_PausesAtOnce() => Assert.Equal(PauseReason.Gone, Apply(StreamState.Clean, AttemptOutcome.Gone, threshold: 100).Pause);

    [Fact]
    public void Apply_FailuresInARow_PauseAtTheThreshold()
    {
        var state = StreamState.Clean;
        foreach (var outcome in new[] { AttemptOutcome.HttpError, AttemptOutcome.TimedOut })
        {
            var decision = Apply(state, outcome);
            Assert.Null(decision.Pause);
            state = decision.State;
        }

        var last = Apply(state, AttemptOutcome.DnsFailed);
        Assert.Equal((PauseReason.Failing, TimeSpan.Zero, 3, 3), (last.Pause, last.Wait, last.State.ConsecutiveFailures, last.State.Attempts));
        Assert.Equal(PauseReason.Failing, Apply(StreamState.Clean, AttemptOutcome.HttpError, threshold: 1).Pause);
    }

    [Fact]
    public void Apply_Throttled_CountsOnlyAfterTheLimit()
    {
        var state = StreamState.Clean with { ConsecutiveFailures = 2 };
        foreach (var hours in new[] { 0d, 1, 23.99 })
        {
            var decision = Apply(state, AttemptOutcome.Throttled, at: Noon.AddHours(hours));
            Assert.Equal((null, 2, Noon), (decision.Pause, decision.State.ConsecutiveFailures, decision.State.ThrottledSince));
            state = decision.State;
        }

        Assert.Equal(3, state.Attempts);
        Assert.Equal(PauseReason.Failing, Apply(state, AttemptOutcome.Throttled, at: Noon.AddHours(24)).Pause);
        // Another failure in between ends the run of 429.
        var between = Apply(StreamState.Clean with { ThrottledSince = Noon }, AttemptOutcome.HttpError, at: Noon.AddHours(1)).State;
        Assert.Null(between.ThrottledSince);
    }

    [Fact]
    public void Apply_ProbeFails_PausesAtOnceWhateverTheThreshold()
    {
        Assert.Equal(PauseReason.Failing, Apply(StreamState.Clean with { Probing = true }, AttemptOutcome.HttpError, threshold: 100).Pause);
        Assert.Equal(PauseReason.Gone, Apply(StreamState.Clean with { Probing = true }, AttemptOutcome.Gone, threshold: 100).Pause);
        Assert.Null(Apply(StreamState.Clean with { Probing = true }, AttemptOutcome.Throttled).Pause);
    }

    /// <summary>A 429 says nothing about whether the receiver can take deliveries: the next one is still the probe.</summary>
    [Fact]
    public void Apply_ProbeThrottled_IsStillProbing() => Assert.True(Apply(StreamState.Clean with { Probing = true }, AttemptOutcome.Throttled).State.Probing);

    [Theory]
    [InlineData(1, 0.0, 24)]
    [InlineData(1, 0.5, 30)]
    [InlineData(1, 1.0, 36)]
    [InlineData(2, 0.5, 300)]
    [InlineData(4, 0.5, 3600)]
    [InlineData(5, 0.5, 3600)]
    [InlineData(int.MaxValue, 0.5, 3600)]
    public void Backoff_Schedule_WithJitterOfAFifth(int attempts, double random, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Backoff.Next(attempts, null, Options.EffectiveWaits, random));

    [Fact]
    public void Backoff_RetryAfter_OnlyLengthens()
    {
        Assert.Equal(TimeSpan.FromSeconds(30), Backoff.Next(1, TimeSpan.FromSeconds(1), Options.EffectiveWaits, 0.5));
        Assert.Equal(TimeSpan.FromMinutes(40), Backoff.Next(1, TimeSpan.FromMinutes(40), Options.EffectiveWaits, 0.5));
    }

    private static FailureDecision Apply(StreamState state, AttemptOutcome outcome, int threshold = 3, DateTimeOffset? at = null) =>
        state.Apply(new AttemptResult(outcome) { StartedAt = at ?? Noon }, threshold, Options, 0.5);
}
