namespace Webhooks.Receiver.Tests;

/// <summary>Which event may be handled when.</summary>
public sealed class LanesTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;
    private readonly Lanes _lanes = new();

    [Fact]
    public void Take_SameKey_OneAfterTheOther()
    {
        Add(1, "a");
        Add(2, "a");
        Add(3, "b");
        Assert.Equal([1L, 3L], TakeAll());
        _lanes.Settled(Key(1));
        Assert.Equal([2L], TakeAll());
        _lanes.Settled(Key(2));
        Add(4, "a");
        Assert.Equal([4L], TakeAll());
    }

    [Fact]
    public void Take_WithoutAKey_WaitsForNoOther()
    {
        Add(1, null);
        Add(2, null);
        Assert.Equal([1L, 2L], TakeAll());
    }

    [Fact]
    public void Held_UntilItsTime_HoldsUpItsLaneOnly()
    {
        Add(1, "a");
        Add(2, "a");
        Add(3, "b");
        TakeAll();
        _lanes.Held(Key(1), Hold(1, Now.AddSeconds(1)));
        Assert.Equal(Now.AddSeconds(1), _lanes.NextDue);
        Assert.Null(_lanes.Take(Now));
        Assert.Equal((1L, 3), (_lanes.Lowest, _lanes.Take(Now.AddSeconds(1))!.Attempts));
    }

    [Fact]
    public void Follow_LiftedSettledOrChanged_GoesOnAccordingly()
    {
        for (var seq = 1; seq <= 4; seq++) Add(seq, $"{seq}");
        Add(5, "2");
        TakeAll();
        for (var seq = 1; seq <= 4; seq++) _lanes.Held(Key(seq), Hold(seq, null));
        _lanes.Follow(new InboxState
        {
            Position = new StreamPosition(1, 0),
            Epochs = EpochMap.Empty.With(new EpochStart(1, 1)),
            SettledAhead = InboxTally.NoneAhead.Add(new StreamPosition(1, 2)),
            EventHolds = [Hold(3, Now), Hold(4, null)],
        });
        // The first was lifted, the second skipped, the third is to be tried now, the fourth still waits for somebody.
        var taken = new List<(long, int)>();
        while (_lanes.Take(Now) is { } one) taken.Add((one.Key.Seq, one.Attempts));
        Assert.Equal([(1L, 0), (3L, 3), (5L, 0)], taken.Order());
    }

    [Fact]
    public void Postponed_IsNotLiftedByWhatTheInboxSays()
    {
        Add(1, "a");
        TakeAll();
        _lanes.Postponed(Key(1), Now.AddSeconds(1));
        _lanes.Follow(new InboxState { Position = new StreamPosition(1, 0) });
        Assert.Null(_lanes.Take(Now));
        Assert.Equal(1, _lanes.Take(Now.AddSeconds(1))!.Key.Seq);
    }

    [Fact]
    public void Add_WithoutALane_StopsUntilItIsSettled()
    {
        _lanes.Add(new LaneEvent(Key(1), LacksLane: true), null);
        Assert.True(_lanes.IsStopped);
        TakeAll();
        _lanes.Settled(Key(1));
        Assert.False(_lanes.IsStopped);
        Assert.Null(_lanes.Lowest);
    }

    [Fact]
    public void Add_OneThatIsThere_IsIgnored()
    {
        Add(1, null);
        Add(1, null);
        Assert.Equal([1L], TakeAll());
    }

    private static EventKey Key(long seq) => new(1, seq, $"evt_{seq}");

    private static StreamHold Hold(long seq, DateTimeOffset? retryAt) => new(HoldReason.HandlerFailed, seq, $"evt_{seq}", 3, "why", retryAt);

    private void Add(long seq, string? key) => _lanes.Add(new LaneEvent(Key(seq)), key);

    private List<long> TakeAll()
    {
        var taken = new List<long>();
        while (_lanes.Take(Now) is { } one) taken.Add(one.Key.Seq);
        return taken;
    }
}
