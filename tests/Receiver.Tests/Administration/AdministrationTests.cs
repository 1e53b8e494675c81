using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver.Tests;

/// <summary>What somebody can see and do where an event does not go through; each act takes effect once (promise 4).</summary>
public sealed class AdministrationTests
{
    private readonly ConcurrentQueue<string> _effects = new();
    private readonly ConcurrentDictionary<string, bool> _broken = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Find_BlockedEvent_SaysWhatWhyAndSince(bool memory)
    {
        await using var app = await BlockedAsync(memory, ProcessingOrder.Stream, 2);
        var listed = Assert.Single((await Of(app).ListHeldAsync(TestApp.Source)).Events);
        Assert.Equal(("evt_1_2", "order.changed", 1, 2L, HeldState.Blocked, HoldReason.HandlerFailed, 2),
            (listed.Id, listed.Type, listed.Epoch, listed.Seq, listed.State, listed.Reason, listed.Attempts));
        Assert.Equal("InvalidOperationException: broken", listed.Detail);
        Assert.InRange(listed.At!.Value, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow);
        Assert.Null(listed.Body);
        Assert.Equal(Sent.Event(2).Body, (await Of(app).FindAsync(TestApp.Source, "evt_1_2"))!.Body!.Value.ToArray());
        Assert.Null(await Of(app).FindAsync(TestApp.Source, "evt_1_3"));
        Assert.Empty((await Of(app).ListParkedAsync(TestApp.Source)).Events);
    }

    [Theory]
    [InlineData(true, ProcessingOrder.Stream)]
    [InlineData(false, ProcessingOrder.Stream)]
    [InlineData(true, ProcessingOrder.None)]
    [InlineData(false, ProcessingOrder.None)]
    public async Task Skip_BlockedEvent_IsPassedRecordedAndCounted(bool memory, ProcessingOrder order)
    {
        await using var app = await BlockedAsync(memory, order, 2);
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).SkipAsync(TestApp.Source, "evt_1_2")).Outcome);
        await app.UntilProcessedAsync(3);
        Assert.Equal(["evt_1_1", "evt_1_3"], _effects.Order());
        var (status, stream) = (await app.Status.GetAsync(TestApp.Source), await app.StreamAsync());
        Assert.Equal((2L, 1L), (status.Counts.Processed, status.Counts.Skipped));
        Assert.Equal([new PassedRange(1, 2, 2, "skipped")], stream.Passed);
        await Wait.UntilAsync(async () => !(await app.StreamAsync()).IsBlocked);
        Assert.Equal(AdministrationOutcome.NotFound, (await Of(app).SkipAsync(TestApp.Source, "evt_1_2")).Outcome);
    }

    [Theory]
    [InlineData(ProcessingOrder.Stream)]
    [InlineData(ProcessingOrder.None)]
    public async Task Retry_BlockedEvent_IsHandledAgainAtOnce(ProcessingOrder order)
    {
        await using var app = await BlockedAsync(memory: false, order, 2);
        _broken.Clear();
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RetryAsync(TestApp.Source, "evt_1_2")).Outcome);
        await app.UntilProcessedAsync(3);
        Assert.Equal(["evt_1_1", "evt_1_2", "evt_1_3"], _effects.Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Retry_ParkedEvent_TakesEffectOnce_AndIsParkedNoLonger(bool memory)
    {
        await using var app = await ParkedAsync(memory);
        Assert.Equal(1, (await app.Status.GetAsync(TestApp.Source)).Counts.Parked);
        var again = await Of(app).RetryAsync(TestApp.Source, "evt_1_2");
        Assert.Equal((AdministrationOutcome.HandlerFailed, "InvalidOperationException: broken"), (again.Outcome, again.Detail));
        Assert.Equal(3, Assert.Single((await Of(app).ListParkedAsync(TestApp.Source)).Events).Attempts);
        _broken.Clear();
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RetryAsync(TestApp.Source, "evt_1_2")).Outcome);
        Assert.Equal(AdministrationOutcome.NotFound, (await Of(app).RetryAsync(TestApp.Source, "evt_1_2")).Outcome);
        Assert.Equal(["evt_1_1", "evt_1_3", "evt_1_2"], _effects);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((3L, 0L), (counts.Processed, counts.Parked));
        Assert.Empty((await Of(app).ListParkedAsync(TestApp.Source)).Events);
    }

    [Fact]
    public async Task Retry_ParkedEventTwiceAtTheSameTime_OneHandlesIt()
    {
        await using var app = await ParkedAsync(memory: false);
        _broken.Clear();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Of(app).RetryAsync(TestApp.Source, "evt_1_2")));
        Assert.Single(outcomes, one => one.Outcome == AdministrationOutcome.Done);
        Assert.All(outcomes, one => Assert.True(one.Outcome is AdministrationOutcome.Done or AdministrationOutcome.Overtaken or AdministrationOutcome.NotFound));
        Assert.Single(_effects, "evt_1_2");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Discard_ParkedEvent_IsGoneRecordedAndCounted(bool memory)
    {
        await using var app = await ParkedAsync(memory);
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).DiscardAsync(TestApp.Source, "evt_1_2")).Outcome);
        Assert.Equal(AdministrationOutcome.NotFound, (await Of(app).DiscardAsync(TestApp.Source, "evt_1_2")).Outcome);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((2L, 0L, 1L), (counts.Processed, counts.Parked, counts.Skipped));
        Assert.Equal([new PassedRange(1, 2, 2, "discarded")], (await app.StreamAsync()).Passed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ForeignSender_BlockedEvents_AreListedRetriedAndSkipped(bool memory)
    {
        _broken["msg_1"] = _broken["msg_2"] = true;
        await using var app = await StartAsync(memory, options => options.HandlerMaxAttempts = 2);
        foreach (var id in (string[])["msg_1", "msg_2", "msg_3"])
            using (var response = await app.SendAsync(TestApp.Request(id, """{"type":"user.created","data":{}}"""u8.ToArray()))) Assert.Equal(204, (int)response.StatusCode);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).UnnumberedFailed == 2);
        var first = await Of(app).ListHeldAsync(TestApp.Source, limit: 1);
        Assert.Equal(("msg_1", "user.created", 0L, HeldState.Blocked), (first.Events[0].Id, first.Events[0].Type, first.Events[0].Seq, first.Events[0].State));
        Assert.Equal("msg_2", Assert.Single((await Of(app).ListHeldAsync(TestApp.Source, first.Next)).Events).Id);
        _broken.Clear();
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).SkipAsync(TestApp.Source, "msg_1")).Outcome);
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RetryAsync(TestApp.Source, "msg_2")).Outcome);
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { UnnumberedWaiting: 0, Counts: { Processed: 2, Skipped: 1 } });
        Assert.Equal(["msg_2", "msg_3"], _effects.Order());
    }

    [Fact]
    public async Task ForeignSender_ParkedEvent_IsRetriedOrDiscarded()
    {
        _broken["msg_1"] = _broken["msg_2"] = true;
        await using var app = await StartAsync(memory: false, options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (1, ExhaustedPolicy.Park));
        foreach (var id in (string[])["msg_1", "msg_2"])
            using (await app.SendAsync(TestApp.Request(id, """{"type":"user.created","data":{}}"""u8.ToArray()))) { }
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { UnnumberedWaiting: 0, Counts.Parked: 2 });
        _broken.Clear();
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).RetryAsync(TestApp.Source, "msg_1")).Outcome);
        Assert.Equal(AdministrationOutcome.Done, (await Of(app).DiscardAsync(TestApp.Source, "msg_2")).Outcome);
        Assert.Equal(["msg_1"], _effects);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((1L, 0L, 1L), (counts.Processed, counts.Parked, counts.Skipped));
    }

    [Fact]
    public async Task List_ComesInPages_AndRefusesWhatIsOfNone()
    {
        for (var seq = 1; seq <= 25; seq++) _broken[$"evt_1_{seq}"] = true;
        await using var app = await StartAsync(memory: true, options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (1, ExhaustedPolicy.Park));
        for (var seq = 1; seq <= 25; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(25);
        var (seqs, next) = (new List<long>(), (string?)null);
        do
        {
            var page = await Of(app).ListParkedAsync(TestApp.Source, next, limit: 12);
            seqs.AddRange(page.Events.Select(one => one.Seq));
            next = page.Next;
        }
        while (next is not null);
        Assert.Equal(Enumerable.Range(1, 25).Select(seq => (long)seq), seqs);
        await Assert.ThrowsAsync<ArgumentException>(() => Of(app).ListParkedAsync(TestApp.Source, "x"));
        await Assert.ThrowsAsync<ArgumentException>(() => Of(app).ListParkedAsync("nobody"));
    }

    private static IWebhookReceiverAdministration Of(TestApp app) => app.Services.GetRequiredService<IWebhookReceiverAdministration>();

    private async Task<TestApp> BlockedAsync(bool memory, ProcessingOrder order, long at)
    {
        _broken[$"evt_1_{at}"] = true;
        var app = await StartAsync(memory, options => (options.HandlerMaxAttempts, options.Ordering) = (2, order));
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { IsBlocked: true, Watermark: 1 });
        return app;
    }

    private async Task<TestApp> ParkedAsync(bool memory)
    {
        _broken["evt_1_2"] = true;
        var app = await StartAsync(memory, options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (2, ExhaustedPolicy.Park));
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(3);
        return app;
    }

    private Task<TestApp> StartAsync(bool memory, Action<WebhookReceiverOptions> configure) =>
        TestApp.StartAsync(configure, memory: memory, handlers: builder => builder.HandleFallback((one, _, _) =>
        {
            if (_broken.ContainsKey(one.Id)) throw new InvalidOperationException("broken");
            _effects.Enqueue(one.Id);
            return Task.CompletedTask;
        }));
}
