using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Webhooks.Receiver.Tests;

/// <summary>What waits for what: per key, or nothing for anything; once in effect all the same (promises 3 and 4).</summary>
public sealed class OrderingTests
{
    private readonly ConcurrentQueue<long> _handled = new();
    private readonly TaskCompletionSource _release = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PerKey_OneKeyFails_ItHoldsUpOnlyItself(bool memory)
    {
        var broken = true;
        await using var app = await PerKeyAsync(memory: memory, handle: one => broken && one.Seq == 1 ? throw new InvalidOperationException("not yet") : Task.CompletedTask);
        foreach (var (seq, key) in new[] { (1, "a"), (2, "b"), (3, "a"), (4, "b") }) await DeliverAsync(app, seq, key);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { SettledAhead: 2, EventHolds: [{ Seq: 1, Attempts: > 1 }] });
        Assert.Equal([2L, 4L], _handled);
        var stream = await app.StreamAsync();
        Assert.Equal((0L, 2L, false), (stream.Watermark, stream.Waiting, stream.IsBlocked));
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());
        broken = false;
        await app.UntilProcessedAsync(4);
        Assert.Equal([2L, 4L, 1L, 3L], _handled);
        stream = await app.StreamAsync();
        Assert.Equal((0L, 0), (stream.SettledAhead, stream.EventHolds.Count));
        Assert.Equal(4, (await app.Status.GetAsync(TestApp.Source)).Counts.Processed);
    }

    [Fact]
    public async Task PerKey_ExhaustedEvent_BlocksItsKey_UntilUnblocked()
    {
        var broken = true;
        await using var app = await PerKeyAsync(
            options => options.HandlerMaxAttempts = 2, handle: one => broken && one.Seq == 1 ? throw new InvalidOperationException("broken") : Task.CompletedTask);
        foreach (var (seq, key) in new[] { (1, "a"), (2, "b"), (3, "a") }) await DeliverAsync(app, seq, key);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { IsBlocked: true, SettledAhead: 1 });
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
        Assert.Equal(("evt_1_1", 2), ((await app.StreamAsync()).EventHolds[0].EventId, (await app.StreamAsync()).EventHolds[0].Attempts));
        broken = false;
        await app.Status.UnblockAsync(TestApp.Source);
        await app.UntilProcessedAsync(3);
        Assert.Equal([2L, 1L, 3L], _handled);
    }

    [Fact]
    public async Task PerKey_ExhaustedEvent_IsParkedWhenChosen_AndItsKeyGoesOn()
    {
        await using var app = await PerKeyAsync(
            options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (2, ExhaustedPolicy.Park),
            handle: one => one.Seq == 1 ? throw new InvalidOperationException("broken") : Task.CompletedTask);
        foreach (var (seq, key) in new[] { (1, "a"), (2, "a"), (3, "b") }) await DeliverAsync(app, seq, key);
        await app.UntilProcessedAsync(3);
        Assert.Equal([2L, 3L], _handled.Order());
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((2L, 1L), (counts.Processed, counts.Parked));
    }

    [Fact]
    public async Task Concurrent_NeverMoreHandlersThanTheBound_AndThatManyAtOnce()
    {
        var (running, most) = (0, 0);
        var gate = new Lock();
        await using var app = await NoneAsync(options => options.MaxConcurrentHandlers = 3, memory: true, handle: async _ =>
        {
            lock (gate) most = Math.Max(most, ++running);
            if (most == 3) _release.TrySetResult();
            await _release.Task.WaitAsync(Wait.Limit);
            lock (gate) running--;
        });
        for (var seq = 1; seq <= 20; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(20);
        Assert.Equal(3, most);
        Assert.Equal(Enumerable.Range(1, 20).Select(seq => (long)seq), _handled.Order());
    }

    [Fact]
    public async Task None_OneHandlerHangs_TheOthersGoOn_AndTheWatermarkFollowsLater()
    {
        await using var app = await NoneAsync(memory: true, handle: one => one.Seq == 1 ? _release.Task.WaitAsync(Wait.Limit) : Task.CompletedTask);
        for (var seq = 1; seq <= 100; seq++) await app.DeliverAsync(seq);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).SettledAhead == 99);
        Assert.Equal(0, (await app.StreamAsync()).Watermark);
        _release.SetResult();
        await app.UntilProcessedAsync(100);
    }

    [Fact]
    public async Task None_SettledAheadIsBounded()
    {
        await using var app = await NoneAsync(
            options => options.MaxSettledAhead = 5, memory: true, handle: one => one.Seq == 1 ? _release.Task.WaitAsync(Wait.Limit) : Task.CompletedTask);
        for (var seq = 1; seq <= 20; seq++) await app.DeliverAsync(seq);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).SettledAhead == 4);
        Assert.Equal([2L, 3L, 4L, 5L], _handled.Order());
        _release.SetResult();
        await app.UntilProcessedAsync(20);
        Assert.Equal(20, _handled.Count);
    }

    /// <summary>A number that is missing may be of any key, and is fetched; so nothing after it is begun.</summary>
    [Fact]
    public async Task PerKey_NumberMissing_NothingAfterItIsBegun()
    {
        await using var app = await PerKeyAsync(options => options.StartAt = StartAt.Seq(1), memory: true);
        await DeliverAsync(app, 1, "a");
        await DeliverAsync(app, 3, "b");
        await app.UntilProcessedAsync(1);
        Assert.Equal([1L], _handled);
        await DeliverAsync(app, 2, "b");
        await app.UntilProcessedAsync(3);
        Assert.Equal([1L, 2L, 3L], _handled);
    }

    [Theory]
    [InlineData(ProcessingOrder.None)]
    [InlineData(ProcessingOrder.Stream)]
    public async Task Restart_WithEventsSettledAhead_RepeatsNoneOfThem_InWhateverOrder(ProcessingOrder then)
    {
        using var folder = TestApp.NewFolder();
        await using (var app = await StartAsync(folder, ProcessingOrder.None, one => one.Seq is 1 or 4 ? throw new InvalidOperationException("not yet") : Task.CompletedTask))
        {
            for (var seq = 1; seq <= 6; seq++) await app.DeliverAsync(seq);
            await Wait.UntilAsync(async () => (await app.StreamAsync()).SettledAhead == 4);
        }

        await using var again = await StartAsync(folder, then, _ => Task.CompletedTask);
        await again.UntilProcessedAsync(6);
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L], Effects(folder).Order());
        Assert.Equal(6, (await again.Status.GetAsync(TestApp.Source)).Counts.Processed);

        static Task<TestApp> StartAsync(TestFolder folder, ProcessingOrder order, Func<WebhookEvent, Task> handle) => TestApp.StartAsync(
            options => (options.Ordering, options.HandlerMaxAttempts) = (order, int.MaxValue), folder: folder, handlers: builder => builder.Handle("order.changed", async (one, context, _) =>
            {
                await using var command = context.Connection.CreateCommand();
                command.Transaction = context.Transaction;
                command.CommandText = $"CREATE TABLE IF NOT EXISTS effect (seq INTEGER); INSERT INTO effect VALUES ({one.Seq})";
                await command.ExecuteNonQueryAsync(CancellationToken.None);
                await handle(one);
            }));
    }

    [Fact]
    public async Task PerKey_KeyThatCannotBeTold_StopsWhatFollows_UntilItIsParked()
    {
        await using var app = await PerKeyAsync(
            options => (options.HandlerMaxAttempts, options.OnHandlerExhausted, options.HandlerRetryMin) = (2, ExhaustedPolicy.Park, TimeSpan.FromMilliseconds(10)), memory: true);
        await DeliverAsync(app, 1, "a");
        await app.DeliverAsync(2, data: "{}");
        await DeliverAsync(app, 3, "a");
        await app.UntilProcessedAsync(3);
        Assert.Equal([1L, 3L], _handled);
        Assert.Equal((2L, 1L), ((await app.Status.GetAsync(TestApp.Source)).Counts.Processed, (await app.Status.GetAsync(TestApp.Source)).Counts.Parked));
    }

    [Fact]
    public async Task PerKey_KeyThatCannotBeToldAtFirst_TakesItsPlaceBehindItsKey()
    {
        var told = false;
        await using var app = await TestApp.StartAsync(memory: true, handlers: builder => builder
            .ProcessPerKey(one => one.Seq != 2 || Volatile.Read(ref told) ? "a" : throw new InvalidOperationException("not yet"))
            .Handle("order.changed", async (one, _, _) =>
            {
                if (one.Seq == 1) await _release.Task.WaitAsync(Wait.Limit, CancellationToken.None);
                _handled.Enqueue(one.Seq!.Value);
            }));
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).EventHolds is [{ Seq: 2 }]);
        Volatile.Write(ref told, true);
        _release.SetResult();
        await app.UntilProcessedAsync(3);
        Assert.Equal([1L, 2L, 3L], _handled);
    }

    [Fact]
    public async Task PerKey_WithoutAKey_DoesNotStart()
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(options => options.Ordering = ProcessingOrder.PerKey));
        Assert.Contains("ProcessPerKey", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task None_VoidUnhandledAndLost_ArePassedAndCounted()
    {
        await using var app = await NoneAsync(
            options => (options.StartAt, options.OnUnrecoverableGap) = (StartAt.Seq(1), UnrecoverableGapPolicy.SkipAndRecord), memory: true);
        await app.DeliverAsync(1, type: "nobody.cares");
        using var response = await app.SendAsync(TestApp.Request("evt_1_2", Sent.Void(2)));
        await app.DeliverAsync(5);
        await app.UntilProcessedAsync(5);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((1L, 1L, 1L, 2L), (counts.Processed, counts.Unhandled, counts.Void, counts.Lost));
        Assert.Equal([new PassedRange(1, 3, 4, "lost")], (await app.StreamAsync()).Passed);
    }

    [Fact]
    public async Task None_UnhandledThatBlocks_HoldsUpItselfOnly()
    {
        await using var app = await NoneAsync(options => options.OnUnhandled = UnhandledPolicy.Block, memory: true);
        await app.DeliverAsync(1, type: "nobody.cares");
        await app.DeliverAsync(2);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { IsBlocked: true, SettledAhead: 1, EventHolds: [{ Reason: HoldReason.Unhandled }] });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task None_ForeignSender_OneHangs_TheOthersGoOn(bool memory)
    {
        // With SQLite, the one that hangs has the database's only write lock; so there it fails instead.
        await using var app = await TestApp.StartAsync(options => options.Ordering = ProcessingOrder.None, memory: memory, handlers: builder => builder.HandleFallback(
            async (one, context, _) =>
            {
                if (one.Id == "msg_1" && memory) await _release.Task.WaitAsync(Wait.Limit, CancellationToken.None);
                if (one.Id == "msg_1" && context.Attempt < 3) throw new InvalidOperationException("not yet");
                _handled.Enqueue(long.Parse(one.Id[4..], System.Globalization.CultureInfo.InvariantCulture));
            }));
        for (var i = 1; i <= 20; i++)
        {
            using var response = await app.SendAsync(TestApp.Request($"msg_{i}", """{"type":"user.created","data":{}}"""u8.ToArray()));
            Assert.Equal(204, (int)response.StatusCode);
        }

        await Wait.UntilAsync(() => Task.FromResult(_handled.Count >= 19));
        _release.SetResult();
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { UnnumberedWaiting: 0, Counts.Processed: 20 });
        Assert.Equal(Enumerable.Range(1, 20).Select(id => (long)id), _handled.Order());
    }

    private static Task<int> DeliverAsync(TestApp app, long seq, string key) => app.DeliverAsync(seq, data: $"{{\"key\":\"{key}\"}}");

    private Task<TestApp> PerKeyAsync(Action<WebhookReceiverOptions>? configure = null, bool memory = false, Func<WebhookEvent, Task>? handle = null) =>
        TestApp.StartAsync(options =>
        {
            options.HandlerMaxAttempts = int.MaxValue;
            configure?.Invoke(options);
        }, memory: memory, handlers: builder => Handle(builder.ProcessPerKey(KeyOf), handle));

    private Task<TestApp> NoneAsync(Action<WebhookReceiverOptions>? configure = null, bool memory = false, Func<WebhookEvent, Task>? handle = null) =>
        TestApp.StartAsync(options =>
        {
            options.Ordering = ProcessingOrder.None;
            configure?.Invoke(options);
        }, memory: memory, handlers: builder => Handle(builder, handle));

    private void Handle(IWebhookReceiverBuilder builder, Func<WebhookEvent, Task>? handle) => builder.Handle("order.changed", async (one, _, _) =>
    {
        if (handle is not null) await handle(one);
        _handled.Enqueue(one.Seq!.Value);
    });

    private static string? KeyOf(WebhookEvent one)
    {
        using var data = JsonDocument.Parse(one.Data);
        return data.RootElement.GetProperty("key").GetString();
    }

    private static List<long> Effects(string folder)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "inbox.processed.db")}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT seq FROM effect";
        using var row = command.ExecuteReader();
        var seqs = new List<long>();
        while (row.Read()) seqs.Add(row.GetInt64(0));
        return seqs;
    }
}
