using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver.Tests;

/// <summary>Going back on request.</summary>
public sealed class RewindTests
{
    private readonly ConcurrentQueue<long> _handled = new();

    [Theory]
    [InlineData(true, ProcessingOrder.Stream)]
    [InlineData(false, ProcessingOrder.Stream)]
    [InlineData(false, ProcessingOrder.None)]
    public async Task Rewind_EventsStillInTheInbox_AreHandledAgainInOrder(bool memory, ProcessingOrder order)
    {
        await using var app = await StartAsync(memory, options => options.Ordering = order);
        for (var seq = 1; seq <= 5; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(5);
        Assert.Equal(new AdministrationResult(AdministrationOutcome.Done), await Of(app).RewindAsync(TestApp.Source, 2));
        await Wait.UntilAsync(() => Task.FromResult(_handled.Count == 8));
        await app.UntilProcessedAsync(5);
        Assert.Equal([1L, 2L, 3L, 4L, 5L], order == ProcessingOrder.Stream ? _handled.Take(5) : _handled.Take(5).Order());
        Assert.Equal([3L, 4L, 5L], order == ProcessingOrder.Stream ? _handled.Skip(5) : _handled.Skip(5).Order());
        Assert.Equal([new PassedRange(1, 3, 5, "rewound")], (await app.StreamAsync()).Passed);
    }

    [Fact]
    public async Task Rewind_WhatWasSettledAheadAndWhatWaits_IsHandledAnew()
    {
        var broken = true;
        await using var app = await StartAsync(memory: false, options => (options.Ordering, options.HandlerMaxAttempts) = (ProcessingOrder.None, 1),
            one => broken && one.Seq == 3 ? throw new InvalidOperationException("broken") : Task.CompletedTask);
        for (var seq = 1; seq <= 5; seq++) await app.DeliverAsync(seq);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { IsBlocked: true, SettledAhead: 2, Watermark: 2 });
        broken = false;
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RewindAsync(TestApp.Source, 1)).Outcome);
        await app.UntilProcessedAsync(5);
        Assert.Equal([1L, 2L, 2L, 3L, 4L, 4L, 5L, 5L], _handled.Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rewind_EventsThatWerePruned_AreFetchedFromTheFeed(bool memory)
    {
        await using var feed = await FeedServer.StartAsync(6);
        await using var app = await StartAsync(memory, options => (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint));
        await app.UntilProcessedAsync(6);
        Assert.Equal(6, await app.Services.GetSource().Inbox.PruneAsync(TestApp.Source, DateTimeOffset.UtcNow.AddHours(1), default));
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RewindAsync(TestApp.Source, 3)).Outcome);
        await Wait.UntilAsync(() => Task.FromResult(_handled.Count == 9));
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L, 4L, 5L, 6L], _handled);
    }

    [Fact]
    public async Task Rewind_AboveTheWatermark_IsRefused()
    {
        await using var app = await StartAsync(memory: true);
        Assert.Equal("The stream has not begun.", (await Of(app).RewindAsync(TestApp.Source, 0)).Detail);
        await app.DeliverAsync(1);
        await app.UntilProcessedAsync(1);
        var refused = await Of(app).RewindAsync(TestApp.Source, 2);
        Assert.Equal((AdministrationOutcome.NotPossible, "Number 2 is above the watermark, which stands at 1."), (refused.Outcome, refused.Detail));
    }

    [Fact]
    public async Task Rewind_ToWhatIsNowhereAnyMore_IsRefused_AndNothingMoves()
    {
        await using var app = await StartAsync(memory: false);
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(3);
        await app.Services.GetSource().Inbox.PruneAsync(TestApp.Source, DateTimeOffset.UtcNow.AddHours(1), default);
        var refused = await Of(app).RewindAsync(TestApp.Source, 1);
        Assert.Equal((AdministrationOutcome.NotPossible, "Number 2 is no longer in the inbox, and there is no feed to fetch it from."), (refused.Outcome, refused.Detail));
        Assert.Equal((3L, 3), ((await app.StreamAsync()).Watermark, _handled.Count));
    }

    [Fact]
    public async Task Rewind_BelowTheFloorOfTheFeed_IsRefusedUnlessTheInboxHasIt()
    {
        await using var feed = await FeedServer.StartAsync(6);
        await using var app = await StartAsync(memory: false, options => (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint));
        await app.UntilProcessedAsync(6);
        feed.Floor = 4;
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RewindAsync(TestApp.Source, 1)).Outcome);
        await Wait.UntilAsync(() => Task.FromResult(_handled.Count == 11));
        await app.UntilProcessedAsync(6);
        await app.Services.GetSource().Inbox.PruneAsync(TestApp.Source, DateTimeOffset.UtcNow.AddHours(1), default);
        Assert.Equal("Number 2 is no longer in the inbox, and the sender's feed begins at number 4.", (await Of(app).RewindAsync(TestApp.Source, 1)).Detail);
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RewindAsync(TestApp.Source, 3)).Outcome);
        await Wait.UntilAsync(() => Task.FromResult(_handled.Count == 14));
    }

    [Fact]
    public async Task Rewind_ParkedEventAfterThat_IsHandledAnewAndNotTwice()
    {
        var broken = true;
        await using var app = await StartAsync(memory: false, options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (1, ExhaustedPolicy.Park),
            one => broken && one.Seq == 2 ? throw new InvalidOperationException("broken") : Task.CompletedTask);
        for (var seq = 1; seq <= 2; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(2);
        broken = false;
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RewindAsync(TestApp.Source, 1)).Outcome);
        await Wait.UntilAsync(() => Task.FromResult(_handled.Count == 2));
        Assert.Equal(AdministrationOutcome.NotFound, (await Of(app).RetryAsync(TestApp.Source, "evt_1_2")).Outcome);
        await app.UntilProcessedAsync(2);
        Assert.Equal((2L, 0L), ((await app.Status.GetAsync(TestApp.Source)).Counts.Processed, (await app.Status.GetAsync(TestApp.Source)).Counts.Parked));
    }

    private static IWebhookReceiverAdministration Of(TestApp app) => app.Services.GetRequiredService<IWebhookReceiverAdministration>();

    private Task<TestApp> StartAsync(bool memory, Action<WebhookReceiverOptions>? configure = null, Func<WebhookEvent, Task>? handle = null) =>
        TestApp.StartAsync(configure, memory: memory, handlers: builder => builder.Handle("order.changed", async (one, _, _) =>
        {
            if (handle is not null) await handle(one);
            _handled.Enqueue(one.Seq!.Value);
        }));
}
