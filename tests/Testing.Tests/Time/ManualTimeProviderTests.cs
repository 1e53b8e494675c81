namespace Webhooks.Testing.Tests;

public class ManualTimeProviderTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Clock_StandsStill_UntilAdvanced()
    {
        var clock = new ManualTimeProvider(Start);
        var began = clock.GetTimestamp();
        Assert.Equal(Start, clock.GetUtcNow());
        clock.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal(Start.AddSeconds(90), clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromSeconds(90), clock.GetElapsedTime(began));
        clock.SetUtcNow(Start.AddHours(1));
        Assert.Equal(TimeSpan.FromHours(1), clock.GetElapsedTime(began));
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.SetUtcNow(Start));
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.Advance(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public void Advance_FiresInOrderOfDueTime_EachAtItsOwnTime()
    {
        var clock = new ManualTimeProvider(Start);
        var fired = new List<(string Name, TimeSpan At)>();
        using var late = Timer("late", 30);
        using var early = Timer("early", 10);
        using var alsoEarly = Timer("also early", 10);
        using var after = Timer("after", 61);
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(
            [("early", TimeSpan.FromSeconds(10)), ("also early", TimeSpan.FromSeconds(10)), ("late", TimeSpan.FromSeconds(30))], fired);
        Assert.Equal(1, clock.ArmedTimers);
        Assert.Equal(Start.AddSeconds(60), clock.GetUtcNow());

        ITimer Timer(string name, int seconds) => clock.CreateTimer(
            _ => fired.Add((name, clock.GetUtcNow() - Start)), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void Timer_Periodic_FiresOncePerPeriod_UntilDisposed()
    {
        var clock = new ManualTimeProvider();
        var fired = 0;
        var timer = clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(3, fired);
        Assert.True(timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(3, fired);
        timer.Dispose();
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Equal(0, clock.ArmedTimers);
    }

    [Fact]
    public void Timer_ArmedInACallback_FiresInTheSameAdvance()
    {
        var clock = new ManualTimeProvider();
        var fired = 0;
        ITimer? again = null;
        again = clock.CreateTimer(
            _ => { if (++fired < 3) again!.Change(TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan); }, null, TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
        clock.Advance(TimeSpan.FromSeconds(25));
        Assert.Equal(2, fired);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(3, fired);
        again.Dispose();
    }

    [Fact]
    public async Task Delay_CancellationAndPeriodicTimer_FollowTheClock()
    {
        var clock = new ManualTimeProvider();
        var delay = Task.Delay(TimeSpan.FromSeconds(10), clock);
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(20), clock);
        using var ticks = new PeriodicTimer(TimeSpan.FromSeconds(30), clock);
        var tick = ticks.WaitForNextTickAsync().AsTask();

        clock.Advance(TimeSpan.FromSeconds(10));
        await delay.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(source.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(source.IsCancellationRequested);
        Assert.False(tick.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(await tick.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task WaitForTimers_ReturnsWhenTheCodeUnderTestWaits()
    {
        var clock = new ManualTimeProvider();
        var finished = false;
        var code = Task.Run(async () =>
        {
            for (var i = 0; i < 3; i++) await Task.Delay(TimeSpan.FromMinutes(5), clock);
            finished = true;
        });
        for (var i = 0; i < 3; i++)
        {
            await clock.WaitForTimersAsync(1);
            Assert.False(finished);
            clock.Advance(TimeSpan.FromMinutes(5));
        }

        await code.WaitAsync(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<TimeoutException>(() => clock.WaitForTimersAsync(1, TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    public async Task Timer_DueAtOnce_FiresWithoutAnAdvance()
    {
        var fired = new TaskCompletionSource();
        using var timer = new ManualTimeProvider().CreateTimer(_ => fired.TrySetResult(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        await fired.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task AutoAdvance_NothingWaits_AndTimeStillPasses()
    {
        var clock = new ManualTimeProvider(Start) { AutoAdvance = true };
        for (var i = 0; i < 100; i++) await Task.Delay(TimeSpan.FromHours(1), clock).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(Start.AddHours(100), clock.GetUtcNow());
    }

    [Fact]
    public void AdvanceOnRead_MovesTheClockAfterEachRead()
    {
        var clock = new ManualTimeProvider(Start) { AdvanceOnRead = TimeSpan.FromSeconds(1) };
        Assert.Equal([Start, Start.AddSeconds(1)], [clock.GetUtcNow(), clock.GetUtcNow()]);
    }

    [Fact]
    public void ShiftWallClock_MovesNeitherTimestampsNorTimers()
    {
        var clock = new ManualTimeProvider(Start);
        var fired = 0;
        using var timer = clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
        var began = clock.GetTimestamp();
        clock.ShiftWallClock(TimeSpan.FromHours(-1));
        Assert.Equal(Start.AddHours(-1), clock.GetUtcNow());
        Assert.Equal(TimeSpan.Zero, clock.GetElapsedTime(began));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, fired);
    }

    [Fact]
    public async Task Clock_UsedFromManyThreads_LosesNoTimer()
    {
        var clock = new ManualTimeProvider();
        var delays = await Task.WhenAll(Enumerable.Range(1, 8).Select(n => Task.Run(() =>
            Enumerable.Range(1, 200).Select(i => Task.Delay(TimeSpan.FromSeconds(n * i), clock)).ToArray())));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => clock.Advance(TimeSpan.FromSeconds(400)))))
            .WaitAsync(TimeSpan.FromSeconds(30));
        clock.Advance(TimeSpan.FromSeconds(1600));
        await Task.WhenAll(delays.SelectMany(d => d)).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, clock.ArmedTimers);
    }
}
