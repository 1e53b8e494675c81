namespace Webhooks.Receiver.Tests;

/// <summary>The feed's limit is used to the full and never overstepped: ten requests at once, then ten a second.</summary>
public class PagePaceTests
{
    private static readonly DateTimeOffset Begin = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Take_AHundredAtOnce_AboutTenASecondAfterTheFirstOnes()
    {
        var pace = default(PagePace);
        var now = Begin;
        for (var i = 0; i < 100; i++) now += Wait(ref pace, now);
        Assert.InRange(now - Begin, TimeSpan.FromSeconds(9.2), TimeSpan.FromSeconds(9.5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(250)]
    public void Take_WhateverEachTakes_TheFeedsBucketIsNeverEmpty(int took)
    {
        var (pace, tokens, now) = (default(PagePace), 10.0, Begin);
        for (var i = 0; i < 1000; i++)
        {
            // A rest now and then fills the bucket, here as there.
            var passed = Wait(ref pace, now) + TimeSpan.FromMilliseconds(i % 100 == 99 ? 5000 : took);
            tokens = Math.Min(10, tokens + (passed.TotalMilliseconds / 100)) - 1;
            now += passed;
            Assert.True(tokens >= 0, $"request {i} was one too many");
        }
    }

    private static TimeSpan Wait(ref PagePace pace, DateTimeOffset now)
    {
        var wait = pace.Take(now);
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
