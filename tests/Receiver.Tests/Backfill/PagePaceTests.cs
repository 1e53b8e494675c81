namespace Webhooks.Receiver.Tests;

/// <summary>The feed's limit is used to the full and never overstepped: ten requests within any second.</summary>
public class PagePaceTests
{
    private static readonly DateTimeOffset Begin = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    private readonly PagePace _pace = new();

    [Fact]
    public void Take_AHundredAtOnce_TenASecond()
    {
        var now = Begin;
        for (var i = 0; i < 100; i++) now += _pace.Take(now);
        Assert.InRange(now - Begin, TimeSpan.FromSeconds(9.1), TimeSpan.FromSeconds(9.3));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(99)]
    [InlineData(250)]
    public void Take_WhateverEachTakes_NeitherMoreThanTenInASecondNorAnEmptyBucketAtTheFeed(int took)
    {
        var (tokens, now, sent) = (10.0, Begin, new List<DateTimeOffset>());
        for (var i = 0; i < 1000; i++)
        {
            now += _pace.Take(now);
            tokens = Math.Min(10, tokens + ((now - sent.LastOrDefault(Begin)).TotalMilliseconds / 100)) - 1;
            Assert.True(tokens >= 0, $"request {i} was one too many for a bucket");
            sent.Add(now);
            // A rest now and then fills the bucket, here as there.
            now += TimeSpan.FromMilliseconds(i % 100 == 99 ? 5000 : took);
        }

        Assert.All(sent, one => Assert.True(sent.Count(other => other >= one && other < one + TimeSpan.FromSeconds(1)) <= 10));
    }

    [Fact]
    public void Take_AfterTheClockWasSetBack_WaitsForAWindowAtMost()
    {
        for (var i = 0; i < 25; i++) _pace.Take(Begin);
        for (var i = 0; i < 25; i++) Assert.InRange(_pace.Take(Begin - TimeSpan.FromDays(1)), TimeSpan.Zero, PagePace.Window);
    }
}
