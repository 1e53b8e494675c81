namespace Webhooks.Receiver.Tests;

/// <summary>What every inbox store must do for events that are settled by themselves, held up or set aside.</summary>
public abstract partial class InboxConformance
{
    private static readonly EventKey Foreign = new(0, 0, "msg_1");

    [Fact]
    public async Task Mark_BeyondTheWatermark_IsKnownOnceAndNoLongerWaits()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3);
        Assert.True(await MarkAsync(Sent.Stored(2).Key));
        Assert.False(await MarkAsync(Sent.Stored(2).Key));
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal([new StreamPosition(1, 2)], state.SettledAhead);
        Assert.Equal((0L, 3L, 2L, 1L), (state.Position!.Value.Seq, state.Contiguous, state.Waiting, state.Counts.Processed));
    }

    [Fact]
    public async Task Mark_AtOrBelowTheWatermark_IsRefused()
    {
        await StartAsync(3);
        Assert.False(await MarkAsync(Sent.Stored(3).Key));
        Assert.True(await MarkAsync(Sent.Stored(4).Key));
    }

    [Fact]
    public async Task Mark_WithoutCommit_ChangesNothing()
    {
        await StartAsync(0);
        await using (var transaction = await Inbox.BeginAsync("acme", default))
            Assert.True(await transaction.MarkAsync(Sent.Stored(2).Key, Settlement.Processed, default));
        Assert.Empty((await Inbox.GetStateAsync("acme", default)).SettledAhead);
        Assert.True(await MarkAsync(Sent.Stored(2).Key));
    }

    [Fact]
    public async Task Advance_OverMarks_CountsEachAsItWasSettled_AndForgetsThem()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3, 4, 5);
        await MarkAsync(Sent.Stored(1).Key);
        await MarkAsync(Sent.Stored(2).Key, Settlement.Void);
        await MarkAsync(Sent.Stored(3).Key, Settlement.Skipped);
        await MarkAsync(Sent.Stored(5).Key, Settlement.Unhandled);
        await InTransactionAsync(async transaction =>
            Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 3), Settlement.Marked, default)));
        foreach (var inbox in new[] { Inbox, Again() })
        {
            var state = await inbox.GetStateAsync("acme", default);
            Assert.Equal([new StreamPosition(1, 5)], state.SettledAhead);
            Assert.Equal((3L, 1L), (state.Position!.Value.Seq, state.Waiting));
            Assert.Equal((1L, 1L, 1L, 1L), (state.Counts.Processed, state.Counts.Void, state.Counts.Skipped, state.Counts.Unhandled));
        }
    }

    [Fact]
    public async Task Advance_OverOneThatWasSettledByItself_IsRefused()
    {
        await StartAsync(0);
        await StoreAsync(1);
        await MarkAsync(Sent.Stored(1).Key);
        await using var transaction = await Inbox.BeginAsync("acme", default);
        Assert.False(await transaction.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
    }

    /// <summary>A new epoch has numbers of its own; what was settled under them in an earlier one says nothing of these.</summary>
    [Fact]
    public async Task Unmark_TakesTheMarksOfEarlierEpochsFromANumberOn_AndWhatIsSetAsideOfThem()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3, 4);
        await MarkAsync(Sent.Stored(2).Key);
        await MarkAsync(Sent.Stored(3).Key);
        await ParkAsync(Sent.Stored(4));
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 3), default);
        await Inbox.StoreAsync("acme", [Sent.Stored(3, 2)], new StoreRules(100), default);
        Assert.True(await MarkAsync(Sent.Stored(3, 2).Key));
        await InTransactionAsync(transaction => transaction.UnmarkAsync(2, 2, default));
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal([new StreamPosition(1, 2), new StreamPosition(2, 3)], state.SettledAhead);
        Assert.Equal((3L, 0L), (state.Counts.Processed, state.Counts.Parked));
        Assert.Empty(await Inbox.ReadParkedAsync("acme", null, default, 10, default));
    }

    [Fact]
    public async Task Advance_BackOnRequest_TakesThePlaceAndReadsAgain()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3);
        for (var seq = 1; seq <= 3; seq++) await SettleAsync(seq - 1, seq);
        await InTransactionAsync(async transaction =>
        {
            Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 3), new StreamPosition(1, 1), Settlement.Rewound, default));
            await transaction.UnmarkAsync(1, int.MaxValue, default);
            await transaction.RecordPassedAsync(new PassedRange(1, 2, 3, "rewound"), default);
        });
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((1L, 3L, 2L), (state.Position!.Value.Seq, state.Contiguous, state.Waiting));
        Assert.Equal([StoreOutcome.Duplicate], await StoreAsync(2));
    }

    [Fact]
    public async Task EventHold_IsKeptUntilTheEventIsSettled()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3);
        var hold = new StreamHold(HoldReason.HandlerFailed, 2, "evt_1_2", 3, "why", null) { At = DateTimeOffset.UnixEpoch };
        await Inbox.SetEventHoldAsync("acme", Sent.Stored(2).Key, hold, default);
        await Inbox.SetEventHoldAsync("acme", Sent.Stored(3).Key, hold with { Seq = 3 }, default);
        Assert.Equal([2L, 3L], (await Inbox.GetStateAsync("acme", default)).EventHolds.Select(one => one.Seq));
        Assert.Equal(hold, (await Again().GetStateAsync("acme", default)).EventHolds[0]);
        await MarkAsync(Sent.Stored(2).Key);
        await Inbox.SetEventHoldAsync("acme", Sent.Stored(2).Key, null, default);
        await Inbox.SetEventHoldAsync("acme", Sent.Stored(2).Key, hold, default);
        Assert.Equal([3L], (await Inbox.GetStateAsync("acme", default)).EventHolds.Select(one => one.Seq));
        await Inbox.SetHoldAsync("acme", null, clearConflict: false, default);
        Assert.Empty((await Again().GetStateAsync("acme", default)).EventHolds);
    }

    [Fact]
    public async Task Park_OfTheStream_IsListedWhole_AndTakenBackOnce()
    {
        await StartAsync(0);
        await StoreAsync(1, 2);
        await ParkAsync(Sent.Stored(2), attempts: 7);
        var parked = Assert.Single(await Inbox.ReadParkedAsync("acme", "evt_1_2", default, 10, default));
        Assert.Equal((Sent.Stored(2).Key, 7, "why", Sent.Endpoint), (parked.Event.Key, parked.Attempts, parked.Reason, parked.Event.Endpoint));
        Assert.Equal(Sent.Event(2).Body, parked.Event.Body.ToArray());
        Assert.Empty(await Inbox.ReadParkedAsync("acme", "evt_1_1", default, 10, default));
        Assert.Equal(1, (await Inbox.GetStateAsync("acme", default)).Counts.Parked);

        await using (var rolledBack = await Inbox.BeginAsync("acme", default))
            Assert.True(await rolledBack.UnparkAsync(parked.Event.Key, Settlement.Processed, default));
        await InTransactionAsync(async transaction => Assert.True(await transaction.UnparkAsync(parked.Event.Key, Settlement.Processed, default)));
        await using (var late = await Inbox.BeginAsync("acme", default))
            Assert.False(await late.UnparkAsync(parked.Event.Key, Settlement.Processed, default));
        foreach (var inbox in new[] { Inbox, Again() })
        {
            Assert.Empty(await inbox.ReadParkedAsync("acme", null, default, 10, default));
            var counts = (await inbox.GetStateAsync("acme", default)).Counts;
            Assert.Equal((1L, 0L), (counts.Processed, counts.Parked));
        }
    }

    [Fact]
    public async Task Park_PassedByTheWatermark_IsCountedAnewWhenTakenBack()
    {
        await StartAsync(0);
        await StoreAsync(1);
        await ParkAsync(Sent.Stored(1));
        await InTransactionAsync(async transaction =>
            Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Marked, default)));
        Assert.Equal(1, (await Inbox.GetStateAsync("acme", default)).Counts.Parked);
        await InTransactionAsync(async transaction => Assert.True(await transaction.UnparkAsync(Sent.Stored(1).Key, Settlement.Skipped, default)));
        foreach (var inbox in new[] { Inbox, Again() })
        {
            var counts = (await inbox.GetStateAsync("acme", default)).Counts;
            Assert.Equal((0L, 0L, 1L), (counts.Processed, counts.Parked, counts.Skipped));
        }
    }

    [Fact]
    public async Task Park_Again_TakesThePlaceOfTheFirst()
    {
        await StartAsync(0);
        await ParkAsync(Sent.Stored(1), attempts: 1);
        await InTransactionAsync(async transaction =>
        {
            Assert.True(await transaction.UnparkAsync(Sent.Stored(1).Key, Settlement.Parked, default));
            await transaction.ParkAsync(new ParkedEvent(Sent.Stored(1), 2, "worse", DateTimeOffset.UnixEpoch), default);
        });
        var parked = Assert.Single(await Inbox.ReadParkedAsync("acme", null, default, 10, default));
        Assert.Equal((2, "worse", DateTimeOffset.UnixEpoch), (parked.Attempts, parked.Reason, parked.At));
        Assert.Equal(1, (await Again().GetStateAsync("acme", default)).Counts.Parked);
    }

    /// <summary>The body goes after one time (Retention), that it was processed after another (IdRetention).</summary>
    [Fact]
    public async Task PruneMarks_ForgetsOldIds_ButNotWithTheirBodies_AndKeepsTheCount()
    {
        foreach (var id in (string[])["msg_1", "msg_2"])
        {
            var one = new InboxEvent(id, null, 0, 0, "{}"u8.ToArray(), DateTimeOffset.UtcNow, Type: "push");
            await Inbox.StoreAsync("acme", [one], new StoreRules(100), default);
            Assert.True(await MarkAsync(one.Key));
            await Inbox.SetEventHoldAsync("acme", one.Key, null, default);
        }

        await Inbox.PruneAsync("acme", DateTimeOffset.UtcNow.AddDays(1), default);
        Assert.Equal(0, await Inbox.PruneMarksAsync("acme", DateTimeOffset.UtcNow.AddDays(-30), default));
        Assert.False(await MarkAsync(Foreign));
        Assert.Equal(2, await Inbox.PruneMarksAsync("acme", DateTimeOffset.UtcNow.AddDays(1), default));
        Assert.Equal(2, (await Again().GetStateAsync("acme", default)).Counts.Processed);
        Assert.True(await MarkAsync(Foreign));
    }

    [Fact]
    public async Task Park_WithoutANumber_IsMarkedListedAndTakenBack()
    {
        var one = new InboxEvent("msg_1", null, 0, 0, "{}"u8.ToArray(), DateTimeOffset.UnixEpoch.AddDays(1), Type: "push");
        await Inbox.StoreAsync("acme", [one], new StoreRules(100), default);
        await ParkAsync(one);
        Assert.False(await MarkAsync(Foreign));
        var parked = Assert.Single(await Inbox.ReadParkedAsync("acme", null, default, 10, default));
        Assert.Equal((one.Key, one.Endpoint, one.ReceivedAt, "push"), (parked.Event.Key, parked.Event.Endpoint, parked.Event.ReceivedAt, parked.Event.Type));
        Assert.Equal((0L, 1L), await CountsAsync());
        // While it is set aside, its mark is kept.
        await Inbox.PruneMarksAsync("acme", DateTimeOffset.UtcNow.AddDays(1), default);
        Assert.False(await MarkAsync(Foreign));
        await InTransactionAsync(async transaction => Assert.True(await transaction.UnparkAsync(Foreign, Settlement.Processed, default)));
        Assert.Equal((1L, 0L), await CountsAsync());
        Assert.False(await MarkAsync(Foreign));

        async Task<(long Processed, long Parked)> CountsAsync()
        {
            var counts = (await Again().GetStateAsync("acme", default)).Counts;
            Assert.Equal(counts, (await Inbox.GetStateAsync("acme", default)).Counts);
            return (counts.Processed, counts.Parked);
        }
    }

    [Fact]
    public async Task ReadParked_ComesInPages_InTheOrderOfTheKeys()
    {
        await StartAsync(0);
        foreach (var seq in (long[])[3, 1, 2]) await ParkAsync(Sent.Stored(seq));
        await ParkAsync(new InboxEvent("msg_1", null, 0, 0, "{}"u8.ToArray(), DateTimeOffset.UnixEpoch));
        var first = await Inbox.ReadParkedAsync("acme", null, default, 2, default);
        Assert.Equal(["msg_1", "evt_1_1"], first.Select(one => one.Event.Id));
        Assert.Equal(["evt_1_2", "evt_1_3"], (await Inbox.ReadParkedAsync("acme", null, first[^1].Event.Key, 10, default)).Select(one => one.Event.Id));
    }

    [Fact]
    public async Task ReadFailedUnnumbered_GivesThoseThatFailed_UntilTheyAreSettled()
    {
        var at = DateTimeOffset.UnixEpoch.AddDays(1);
        foreach (var id in (string[])["msg_2", "msg_1", "msg_3"])
            await Inbox.StoreAsync("acme", [new InboxEvent(id, null, 0, 0, "{}"u8.ToArray(), at)], new StoreRules(100), default);
        foreach (var id in (string[])["msg_1", "msg_2"])
            await Inbox.SetEventHoldAsync("acme", new EventKey(0, 0, id), new StreamHold(HoldReason.HandlerFailed, 0, id, 3, "why", null) { At = at }, default);
        var failed = await Inbox.ReadFailedUnnumberedAsync("acme", null, "", 10, default);
        Assert.Equal(["msg_1", "msg_2"], failed.Select(one => one.Event.Id));
        Assert.Equal(new StreamHold(HoldReason.HandlerFailed, 0, "msg_1", 3, "why", null) { At = at }, failed[0].Hold);
        Assert.Equal("msg_2", Assert.Single(await Inbox.ReadFailedUnnumberedAsync("acme", null, "msg_1", 10, default)).Event.Id);
        Assert.Equal("msg_2", Assert.Single(await Inbox.ReadFailedUnnumberedAsync("acme", "msg_2", "", 10, default)).Event.Id);
        Assert.Equal(2, (await Inbox.GetStateAsync("acme", default)).UnnumberedFailed);
        // Tried again at once: no longer given up, and not settled either.
        await Inbox.SetEventHoldAsync("acme", new EventKey(0, 0, "msg_1"), new StreamHold(HoldReason.HandlerFailed, 0, "msg_1", 3, "why", at), default);
        await Inbox.SetEventHoldAsync("acme", new EventKey(0, 0, "msg_2"), null, default);
        Assert.Equal(0, (await Inbox.GetStateAsync("acme", default)).UnnumberedFailed);
        Assert.Equal("msg_1", Assert.Single(await Inbox.ReadFailedUnnumberedAsync("acme", null, "", 10, default)).Event.Id);
    }

    /// <summary>Another inbox on the same place, as another process has it; the same where there is no such place.</summary>
    protected virtual IWebhookInbox Again() => Inbox;

    protected async Task<bool> MarkAsync(EventKey key, Settlement how = Settlement.Processed)
    {
        await using var transaction = await Inbox.BeginAsync("acme", default);
        if (!await transaction.MarkAsync(key, how, default)) return false;
        await transaction.CommitAsync(default);
        return true;
    }

    private Task ParkAsync(InboxEvent one, int attempts = 1) => InTransactionAsync(async transaction =>
    {
        Assert.True(await transaction.MarkAsync(one.Key, Settlement.Parked, default));
        await transaction.ParkAsync(new ParkedEvent(one, attempts, "why", DateTimeOffset.UnixEpoch), default);
    });

    private async Task InTransactionAsync(Func<IInboxTransaction, Task> work)
    {
        await using var transaction = await Inbox.BeginAsync("acme", default);
        await work(transaction);
        await transaction.CommitAsync(default);
    }
}
