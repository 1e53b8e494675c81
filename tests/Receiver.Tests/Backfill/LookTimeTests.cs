using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

public sealed class LookTimeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);
    private static readonly WebhookReceiverOptions Options = new();
    private static readonly LookTime Quiet = new(true, Now, Now, null, false, false, default, 1);

    [Fact]
    public void Next_Quiet_IsTheIntervalAfterTheLastDelivery() =>
        Assert.Equal(Now.AddMinutes(9), (Quiet with { LastDelivery = Now.AddMinutes(4) }).Next(Options));

    [Fact]
    public void Next_NotLookedYetOrUnclear_IsAtOnce()
    {
        Assert.Equal(default, (Quiet with { Looked = false }).Next(Options));
        Assert.Equal(default, (Quiet with { IsUnclear = true }).Next(Options));
    }

    [Fact]
    public void Next_Gap_IsAfterTheGrace() => Assert.Equal(Now.AddSeconds(7), (Quiet with { GapSince = Now.AddSeconds(2) }).Next(Options));

    [Fact]
    public void Next_Paused_IsSooner() => Assert.Equal(Now + Options.PausedProbeInterval, (Quiet with { IsPaused = true }).Next(Options));

    [Fact]
    public void Next_AfterAFailure_IsNeverBeforeTheWaitEnds() =>
        Assert.Equal(Now.AddHours(1), (Quiet with { GapSince = Now, NotBefore = Now.AddHours(1) }).Next(Options));

    [Theory]
    [InlineData(1, 0.5, 1)]
    [InlineData(2, 0.5, 2)]
    [InlineData(4, 0, 6.4)]
    [InlineData(100, 1, 72)]
    public void Backoff_DoublesUpToTheLimit_WithAFifthOfJitter(int failures, double random, double seconds) =>
        Assert.Equal(seconds, Backoff.Next(failures, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), random).TotalSeconds, 3);

    [Fact]
    public void Backoff_RetryAfter_IsTheLeast() =>
        Assert.Equal(TimeSpan.FromHours(1), Backoff.Next(1, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), 0.5, TimeSpan.FromHours(1)));

    [Fact]
    public void Backoff_RetryAfterOfYears_IsHeldToAnHour() =>
        Assert.Equal(TimeSpan.FromHours(1), Backoff.Next(1, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5), 0.5, TimeSpan.FromDays(20_000)));

    /// <summary>A timer takes fifty days at most; the loop that asked for more once ended.</summary>
    [Fact]
    public async Task Signal_WaitOfYears_WaitsAndIsWoken()
    {
        using var signal = new Signal();
        var waiting = signal.WaitAsync(TimeSpan.FromDays(20_000), TimeProvider.System, CancellationToken.None);
        signal.Set();
        await waiting.WaitAsync(Wait.Limit);
    }

    /// <summary>Timers cut off what is less than a millisecond: a loop with half of one to wait turned as often as it could until that was over.</summary>
    [Fact]
    public async Task Signal_WaitOfLessThanAMillisecond_IsWaitedFor()
    {
        var clock = new ManualTimeProvider();
        using var signal = new Signal();
        var waiting = signal.WaitAsync(TimeSpan.FromTicks(1), clock, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await waiting.WaitAsync(Wait.Limit);
    }

    [Fact]
    public void Gaps_AreWhatIsNeitherStoredNorLost() => Assert.Equal(
        [new SeqRange(2, 3), new SeqRange(7, 7), new SeqRange(10, 11)],
        SeqScan.Gaps(1, [4, 5, 9, 12], [new SeqRange(6, 6), new SeqRange(8, 8)]));

    [Fact]
    public void Contiguous_GoesThroughStoredAndLost() => Assert.Equal(8, SeqScan.Contiguous(1, [2, 3, 6, 10], [new SeqRange(4, 5), new SeqRange(7, 8)]));
}
