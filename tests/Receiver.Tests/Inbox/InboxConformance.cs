using Microsoft.Extensions.Logging.Abstractions;

namespace Webhooks.Receiver.Tests;

public sealed class MemoryInboxTests : InboxConformance
{
    protected override IWebhookInbox Create() => new MemoryInbox();
}

public sealed class SqliteInboxTests : InboxConformance, IAsyncLifetime
{
    private readonly TestFolder _folder = TestApp.NewFolder();
    private readonly List<SqliteInbox> _made = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var inbox in _made) await inbox.DisposeAsync();
        _folder.Dispose();
    }

    protected override IWebhookInbox Create()
    {
        var inbox = new SqliteInbox(new SqliteInboxOptions { InboxPath = Path.Combine(_folder.Path, "inbox.db") }, NullLogger<SqliteInbox>.Instance);
        _made.Add(inbox);
        return inbox;
    }

    protected override IWebhookInbox Again() => Create();

    [Fact]
    public async Task Reopen_EverythingIsAsItWas()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 4);
        await SettleAsync(0, 1);
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 9), default);
        await Inbox.SetHoldAsync("acme", new StreamHold(HoldReason.HandlerFailed, 2, "evt_1_2", 3, "why", null), false, default);
        await StoreAsync(3, 5);
        await MarkAsync(Sent.Stored(3).Key);
        await Inbox.SetEventHoldAsync("acme", Sent.Stored(4).Key, new StreamHold(HoldReason.HandlerFailed, 4, "evt_1_4", 3, "why", null), default);
        var before = await Inbox.GetStateAsync("acme", default);
        var after = await Create().GetStateAsync("acme", default);
        Assert.Equal(before with { Epochs = after.Epochs, Lost = after.Lost, SettledAhead = after.SettledAhead, EventHolds = after.EventHolds }, after);
        Assert.Equal(before.Epochs.Starts, after.Epochs.Starts);
        Assert.Equal(before.SettledAhead, after.SettledAhead);
        Assert.Equal(before.EventHolds, after.EventHolds);
    }
}

/// <summary>What every inbox store must do.</summary>
public abstract partial class InboxConformance
{
    private IWebhookInbox? _inbox;

    protected IWebhookInbox Inbox => _inbox ??= Create();

    protected abstract IWebhookInbox Create();

    [Fact]
    public async Task Store_SameNumberAndId_IsADuplicate() =>
        Assert.Equal([StoreOutcome.Stored, StoreOutcome.Duplicate], await StoreAsync(1, 1));

    [Fact]
    public async Task Store_AtOrBelowTheWatermark_IsADuplicate()
    {
        await StartAsync(5);
        Assert.Equal([StoreOutcome.Duplicate, StoreOutcome.Duplicate, StoreOutcome.Stored], await StoreAsync(1, 5, 6));
    }

    [Fact]
    public async Task Store_SameNumberOtherId_IsAConflictAndHolds()
    {
        await StoreAsync(1);
        Assert.Equal([StoreOutcome.Conflict], await Inbox.StoreAsync("acme", [Sent.Stored(1, id: "evt_other")], new StoreRules(100), default));
        Assert.Equal(HoldReason.StreamConflict, (await Inbox.GetStateAsync("acme", default)).Hold?.Reason);
    }

    // The sender gave numbers twice before it raised the epoch: what it restates is no duplicate of what was processed under that number.
    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task Store_NumberRestatedInALaterEpoch_ForAnotherEvent_IsAConflict(long processed)
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3);
        for (var seq = 1; seq <= processed; seq++) await SettleAsync(seq - 1, seq);
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 3), default);
        Assert.Equal(
            [StoreOutcome.Duplicate, StoreOutcome.Conflict],
            await Inbox.StoreAsync("acme", [Sent.Stored(1, 2, "evt_1_1"), Sent.Stored(2, 2, "evt_other")], new StoreRules(100), default));
        Assert.Equal(HoldReason.StreamConflict, (await Inbox.GetStateAsync("acme", default)).Hold?.Reason);
    }

    [Fact]
    public async Task Store_NumberOfALaterEpoch_AtOrAboveItsBeginning_IsNoConflict()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3);
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 3), default);
        Assert.Equal(
            [StoreOutcome.Stored, StoreOutcome.Duplicate],
            await Inbox.StoreAsync("acme", [Sent.Stored(3, 2), Sent.Stored(3)], new StoreRules(100), default));
    }

    [Fact]
    public async Task Store_FirstEndpointCounts_AnotherIsRefused()
    {
        await StoreAsync(1);
        Assert.Equal([StoreOutcome.OtherEndpoint], await Inbox.StoreAsync("acme", [Sent.Stored(2, endpoint: "ep_2")], new StoreRules(100), default));
        Assert.False(await Inbox.BindAsync("acme", "ep_2", default));
        Assert.True(await Inbox.BindAsync("acme", Sent.Endpoint, default));
    }

    [Fact]
    public async Task Store_SourcesAreApart()
    {
        await StoreAsync(1);
        Assert.Equal([StoreOutcome.Stored], await Inbox.StoreAsync("other", [Sent.Stored(1)], new StoreRules(100), default));
    }

    [Fact]
    public async Task Store_AtTheLimit_TakesOnlyTheNextMissing()
    {
        await StartAsync(0);
        await StoreAsync(2, 3);
        Assert.Equal(
            [StoreOutcome.Full, StoreOutcome.Stored],
            await Inbox.StoreAsync("acme", [Sent.Stored(4), Sent.Stored(1)], new StoreRules(2), default));
    }

    /// <summary>What comes in order is always the next missing, so that a blocked handler once let the inbox grow beyond any limit.</summary>
    [Fact]
    public async Task Store_AtTheLimit_WhatFillsNoGapIsRefused_AlsoInOrder()
    {
        await StartAsync(0);
        await StoreAsync(1, 2);
        Assert.Equal([StoreOutcome.Full], await Inbox.StoreAsync("acme", [Sent.Stored(3)], new StoreRules(2), default));
        await SettleAsync(0, 1);
        Assert.Equal([StoreOutcome.Stored], await Inbox.StoreAsync("acme", [Sent.Stored(3)], new StoreRules(2), default));
    }

    [Fact]
    public async Task StoreAsOne_PartlyThere_TheRestIsStored()
    {
        await StartAsync(1);
        await StoreAsync(3);
        Assert.Equal([StoreOutcome.Duplicate, StoreOutcome.Stored, StoreOutcome.Duplicate, StoreOutcome.Stored], await StoreAsOneAsync([1, 2, 3, 4]));
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((4L, 3L, 3L, 2L), (state.Contiguous, state.Waiting, state.Counts.Received, state.Counts.Duplicates));
        Assert.All(await StoreAsOneAsync([1, 2, 3, 4]), outcome => Assert.Equal(StoreOutcome.Duplicate, outcome));
    }

    [Fact]
    public async Task StoreAsOne_AConflictInIt_StoresNoneAndHolds()
    {
        await StartAsync(0);
        await Inbox.StoreAsync("acme", [Sent.Stored(2, id: "evt_other")], new StoreRules(100), default);
        Assert.Equal([StoreOutcome.Refused, StoreOutcome.Conflict, StoreOutcome.Refused], await StoreAsOneAsync([1, 2, 3]));
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((HoldReason.StreamConflict, 2L), (state.Hold?.Reason, state.Hold?.Seq));
        Assert.Equal((0L, 2L, 1L, 1L, 0L), (state.Contiguous, state.Highest, state.Waiting, state.Counts.Received, state.Counts.Duplicates));
    }

    [Fact]
    public async Task StoreAsOne_OtherEndpoint_StoresNone()
    {
        await StoreAsync(1);
        var outcomes = await Inbox.StoreAsync(
            "acme", [Sent.Stored(2, endpoint: "ep_2"), Sent.Stored(3, endpoint: "ep_2")], new StoreRules(100, AsOne: true), default);
        Assert.Equal([StoreOutcome.OtherEndpoint, StoreOutcome.OtherEndpoint], outcomes);
        Assert.Equal(1, (await Inbox.GetStateAsync("acme", default)).Highest);
    }

    [Fact]
    public async Task StoreAsOne_AtTheLimit_StoresNone_ButWhatBeginsInAGap()
    {
        await StartAsync(0);
        await StoreAsync(1, 4);
        Assert.Equal([StoreOutcome.Refused, StoreOutcome.Full, StoreOutcome.Full], await StoreAsOneAsync([4, 5, 6], limit: 2));
        Assert.Equal((2L, 4L), ((await Inbox.GetStateAsync("acme", default)).Waiting, (await Inbox.GetStateAsync("acme", default)).Highest));
        Assert.Equal(
            [StoreOutcome.Duplicate, StoreOutcome.Stored, StoreOutcome.Stored, StoreOutcome.Duplicate, StoreOutcome.Stored],
            await StoreAsOneAsync([1, 2, 3, 4, 5], limit: 2));
    }

    /// <summary>Otherwise one that is greater than the limit could never be had.</summary>
    [Fact]
    public async Task StoreAsOne_ReachingTheLimit_GetsInWhole()
    {
        await StartAsync(0);
        Assert.All(await StoreAsOneAsync([1, 2, 3, 4, 5], limit: 2), outcome => Assert.Equal(StoreOutcome.Stored, outcome));
        Assert.All(await StoreAsOneAsync([6, 7], limit: 2), outcome => Assert.Equal(StoreOutcome.Full, outcome));
        Assert.Equal(5, (await Inbox.GetStateAsync("acme", default)).Waiting);
    }

    [Fact]
    public async Task StoreAsOne_OneNumberTwice_IsStoredOnce()
    {
        await StartAsync(0);
        Assert.Equal([StoreOutcome.Stored, StoreOutcome.Duplicate], await StoreAsOneAsync([1, 1]));
    }

    [Fact]
    public async Task Store_None_DoesNothing() => Assert.Empty(await StoreAsync());

    [Fact]
    public async Task State_GapsAndContiguous_FollowWhatIsStored()
    {
        await StartAsync(2);
        await StoreAsync(3, 5, 8, 9);
        Assert.Equal([new SeqRange(4, 4), new SeqRange(6, 7)], await Inbox.FindGapsAsync("acme", 10, default));
        await StoreAsync(4);
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((5, 9, 5), (state.Contiguous, state.Highest, state.Waiting));
        await Inbox.AddLostAsync("acme", new SeqRange(6, 7), default);
        Assert.Equal(9, (await Inbox.GetStateAsync("acme", default)).Contiguous);
        Assert.Empty(await Inbox.FindGapsAsync("acme", 10, default));
    }

    [Fact]
    public async Task Read_GivesWhatIsStored_InOrderAndAsManyAsAskedFor()
    {
        await StartAsync(0);
        await StoreAsync(4, 1, 2);
        Assert.Equal([1L, 2L, 4L], (await Inbox.ReadAsync("acme", 1, 10, default)).Select(one => one.Seq));
        Assert.Equal([2L, 4L], (await Inbox.ReadAsync("acme", 2, 2, default)).Select(one => one.Seq));
        Assert.Empty(await Inbox.ReadAsync("acme", 5, 10, default));
        Assert.Equal(Sent.Event(1).Body, (await Inbox.ReadAsync("acme", 1, 1, default))[0].Body.ToArray());
    }

    [Fact]
    public async Task Advance_FromElsewhere_IsRefused()
    {
        await StartAsync(0);
        await using var transaction = await Inbox.BeginAsync("acme", default);
        Assert.False(await transaction.AdvanceAsync(new StreamPosition(1, 1), new StreamPosition(1, 2), Settlement.Processed, default));
    }

    [Fact]
    public async Task Advance_WithoutCommit_ChangesNothing()
    {
        await StartAsync(0);
        await StoreAsync(1);
        await using (var transaction = await Inbox.BeginAsync("acme", default))
            Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
        Assert.Equal(0, (await Inbox.GetStateAsync("acme", default)).Position?.Seq);
        await SettleAsync(0, 1);
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((1L, 0, 1), (state.Position?.Seq, state.Waiting, state.Counts.Processed));
    }

    [Fact]
    public async Task Start_Twice_TheFirstCounts()
    {
        await StartAsync(3);
        Assert.False(await Inbox.StartAsync("acme", new StreamPosition(1, 9), false, default));
        Assert.Equal(3, (await Inbox.GetStateAsync("acme", default)).Position?.Seq);
    }

    [Fact]
    public async Task Epoch_BeginningBelowTheWatermark_TakesTheStreamBack()
    {
        await StartAsync(0);
        await StoreAsync(1, 2, 3);
        await SettleAsync(0, 1);
        await SettleAsync(1, 2);
        await SettleAsync(2, 3);
        await Inbox.StoreAsync("acme", [Sent.Stored(2, 2), Sent.Stored(3, 2)], new StoreRules(100), default);
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 2), default);
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((1L, 3L), (state.Epochs.Base(state.Position!.Value), state.Contiguous));
        Assert.Equal(["evt_2_2", "evt_2_3"], (await Inbox.ReadAsync("acme", 2, 10, default)).Select(one => one.Id));
        await using (var transaction = await Inbox.BeginAsync("acme", default))
        {
            Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 3), new StreamPosition(2, 1), Settlement.Rewound, default));
            await transaction.RecordPassedAsync(new PassedRange(1, 2, 3, "superseded"), default);
            await transaction.CommitAsync(default);
        }

        state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((new StreamPosition(2, 1), 3L, 2L), (state.Position!.Value, state.Contiguous, state.Waiting));
        Assert.Equal([new PassedRange(1, 2, 3, "superseded")], await Inbox.GetPassedAsync("acme", 10, default));
    }

    /// <summary>A delivery of the old epoch may still be on its way when the new one is known; it is processed by nobody.</summary>
    [Fact]
    public async Task Epoch_LateEventOfTheSupersededOne_IsNoGapAndDoesNotWait()
    {
        await StartAsync(3);
        await Inbox.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 4), default);
        await Inbox.StoreAsync("acme", [Sent.Stored(6, epoch: 1)], new StoreRules(100), default);
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal((false, 0L, 3L), (state.HasGap, state.Waiting, state.Contiguous));
    }

    /// <summary>Numbers that were lost of one epoch are given out anew by the next, and those are not lost.</summary>
    [Fact]
    public async Task Epoch_BeginningInALostRange_HasItsOwnNumbersThere()
    {
        await StartAsync(3);
        await Inbox.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await Inbox.AddLostAsync("acme", new SeqRange(4, 9), default);
        await Inbox.AddEpochAsync("acme", new EpochStart(2, 6), default);
        var state = await Inbox.GetStateAsync("acme", default);
        Assert.Equal(5, state.Contiguous);
        Assert.Equal([new SeqRange(4, 5)], state.Lost);
    }

    [Fact]
    public async Task Unnumbered_TypeThatTheBodyDoesNotState_ComesBackWithIt()
    {
        var now = DateTimeOffset.UtcNow;
        InboxEvent[] two = [new("msg_1", null, 0, 0, "{}"u8.ToArray(), now, Type: "push"), new("msg_2", null, 0, 0, "{}"u8.ToArray(), now)];
        await Inbox.StoreAsync("acme", two, new StoreRules(10), default);
        Assert.Equal(["push", null], (await Inbox.ReadUnnumberedAsync("acme", now, 10, default)).Select(one => one.Event.Type));
    }

    [Fact]
    public async Task Unnumbered_GivenUp_IsCounted_AndGetsNewAttemptsWhenTheHoldIsLifted()
    {
        await Inbox.StoreAsync("acme", [new InboxEvent("msg_1", null, 0, 0, "{}"u8.ToArray(), DateTimeOffset.UtcNow)], new StoreRules(100), default);
        await Inbox.SetEventHoldAsync("acme", new EventKey(0, 0, "msg_1"), new StreamHold(HoldReason.HandlerFailed, 0, "msg_1", 10, "why", null), default);
        Assert.Equal(1, (await Inbox.GetStateAsync("acme", default)).UnnumberedFailed);
        Assert.Empty(await Inbox.ReadUnnumberedAsync("acme", DateTimeOffset.MaxValue, 10, default));
        await Inbox.SetHoldAsync("acme", null, clearConflict: false, default);
        Assert.Equal(0, (await Inbox.GetStateAsync("acme", default)).UnnumberedFailed);
        Assert.Equal(0, Assert.Single(await Inbox.ReadUnnumberedAsync("acme", DateTimeOffset.UtcNow, 10, default)).Attempts);
    }

    [Fact]
    public async Task Unnumbered_IsKeptOnceAndDueAgainAfterAFailure()
    {
        var now = DateTimeOffset.UtcNow;
        var one = new InboxEvent("msg_1", null, 0, 0, "{}"u8.ToArray(), now);
        Assert.Equal([StoreOutcome.Stored, StoreOutcome.Duplicate], await Inbox.StoreAsync("acme", [one, one], new StoreRules(100), default));
        await Inbox.SetEventHoldAsync("acme", new EventKey(0, 0, "msg_1"), new StreamHold(HoldReason.HandlerFailed, 0, "msg_1", 1, "why", now.AddMinutes(1)), default);
        Assert.Empty(await Inbox.ReadUnnumberedAsync("acme", now, 10, default));
        Assert.Equal(1, Assert.Single(await Inbox.ReadUnnumberedAsync("acme", now.AddMinutes(1), 10, default)).Attempts);
        await Inbox.SetEventHoldAsync("acme", new EventKey(0, 0, "msg_1"), null, default);
        Assert.Equal(0, (await Inbox.GetStateAsync("acme", default)).UnnumberedWaiting);
        Assert.Equal([StoreOutcome.Duplicate], await Inbox.StoreAsync("acme", [one], new StoreRules(100), default));
    }

    [Fact]
    public async Task Prune_TakesOnlyWhatIsProcessedAndOld()
    {
        await StartAsync(0);
        await StoreAsync(1, 2);
        await SettleAsync(0, 1);
        Assert.Equal(0, await Inbox.PruneAsync("acme", DateTimeOffset.UtcNow.AddHours(-1), default));
        Assert.Equal(1, await Inbox.PruneAsync("acme", DateTimeOffset.UtcNow.AddHours(1), default));
        Assert.Equal([StoreOutcome.Duplicate], await StoreAsync(1));
    }

    protected async Task StartAsync(long watermark)
    {
        await Inbox.AddEpochAsync("acme", new EpochStart(1, 1), default);
        Assert.True(await Inbox.StartAsync("acme", new StreamPosition(1, watermark), false, default));
    }

    protected Task<IReadOnlyList<StoreOutcome>> StoreAsync(params long[] numbers) =>
        Inbox.StoreAsync("acme", [.. numbers.Select(seq => Sent.Stored(seq))], new StoreRules(1000), default);

    private Task<IReadOnlyList<StoreOutcome>> StoreAsOneAsync(long[] numbers, int limit = 1000) =>
        Inbox.StoreAsync("acme", [.. numbers.Select(seq => Sent.Stored(seq))], new StoreRules(limit, AsOne: true), default);

    protected async Task SettleAsync(long from, long to)
    {
        await using var transaction = await Inbox.BeginAsync("acme", default);
        Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, from), new StreamPosition(1, to), Settlement.Processed, default));
        await transaction.CommitAsync(default);
    }
}
