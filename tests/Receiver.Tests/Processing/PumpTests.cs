using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver.Tests;

/// <summary>In order, and once in effect (promises 3 and 4).</summary>
public sealed class PumpTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pump_DeliveredInAnyOrder_ProcessesInOrderOnce(bool memory)
    {
        var seen = new ConcurrentQueue<long>();
        await using var app = await TestApp.StartAsync(options => options.StartAt = StartAt.Seq(1), memory: memory, handlers: builder => builder.Handle("order.changed", (one, _, _) =>
        {
            seen.Enqueue(one.Seq!.Value);
            return Task.CompletedTask;
        }));
        var numbers = Enumerable.Range(1, 100).Select(seq => (long)seq).ToArray();
        var shuffled = numbers.Concat(numbers).ToArray();
        new Random(1).Shuffle(shuffled);
        await Parallel.ForEachAsync(shuffled, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (seq, _) => Assert.Equal(204, await app.DeliverAsync(seq)));
        await app.UntilProcessedAsync(100);
        Assert.Equal(numbers, seen);
        Assert.Equal(HealthStatus.Healthy, await app.HealthAsync());
    }

    [Fact]
    public async Task Pump_HandlerFails_ItsEffectIsRolledBackAndTriedAgain()
    {
        await using var app = await TestApp.StartAsync(handlers: builder => builder.Handle("order.changed", async (one, context, _) =>
        {
            await EffectAsync(context, one.Id);
            if (one.Seq == 2 && context.Attempt < 3) throw new InvalidOperationException("not yet");
        }));
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(3);
        Assert.Equal(["evt_1_1", "evt_1_2", "evt_1_3"], Effects(app));
        Assert.Null((await app.StreamAsync()).Hold);
    }

    [Fact]
    public async Task Pump_HandlerExhausted_BlocksUntilUnblocked()
    {
        var broken = true;
        await using var app = await TestApp.StartAsync(options => options.HandlerMaxAttempts = 2, builder => builder.Handle("order.changed", (one, _, _) =>
            broken && one.Seq == 2 ? throw new InvalidOperationException("broken") : Task.CompletedTask));
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).IsBlocked);
        var stream = await app.StreamAsync();
        Assert.Equal((1L, 2L, 2), (stream.Watermark, stream.Hold!.Seq, stream.Hold.Attempts));
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
        broken = false;
        await app.Status.UnblockAsync(TestApp.Source);
        await app.UntilProcessedAsync(3);
    }

    [Fact]
    public async Task Pump_BlockedStream_TriesAgainInANewProcess()
    {
        using var folder = TestApp.NewFolder();
        await using (var app = await TestApp.StartAsync(options => options.HandlerMaxAttempts = 1, builder => builder.Handle("order.changed",
            (_, _, _) => throw new InvalidOperationException("broken")), folder))
        {
            await app.DeliverAsync(1);
            await Wait.UntilAsync(async () => (await app.StreamAsync()).IsBlocked);
        }

        await using var fixedApp = await TestApp.StartAsync(handlers: builder => builder.Handle("order.changed", (_, _, _) => Task.CompletedTask), folder: folder);
        await fixedApp.UntilProcessedAsync(1);
        Assert.False((await fixedApp.StreamAsync()).IsBlocked);
    }

    [Fact]
    public async Task Pump_HandlerExhausted_ParksWhenChosen()
    {
        await using var app = await TestApp.StartAsync(
            options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (2, ExhaustedPolicy.Park),
            builder => builder.Handle("order.changed", async (one, context, _) =>
            {
                await EffectAsync(context, one.Id);
                if (one.Seq == 2) throw new InvalidOperationException("broken");
            }));
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq);
        await app.UntilProcessedAsync(3);
        Assert.Equal(["evt_1_1", "evt_1_3"], Effects(app));
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((2, 1), (counts.Processed, counts.Parked));
    }

    private sealed record Order(int Number);

    private sealed class OrderHandler(Channel<int> numbers) : IWebhookHandler<Order>
    {
        public async Task HandleAsync(WebhookEvent<Order> webhookEvent, WebhookHandlerContext context, CancellationToken cancellationToken) =>
            await numbers.Writer.WriteAsync(webhookEvent.Payload.Number, cancellationToken);
    }

    [Fact]
    public async Task Pump_TypedHandler_GetsThePayload_AndMisfitDataIsItsFailure()
    {
        var numbers = Channel.CreateUnbounded<int>();
        await using var app = await TestApp.StartAsync(options => options.HandlerMaxAttempts = 1,
            builder => builder.AddHandler<Order, OrderHandler>("order.changed"), services: services => services.AddSingleton(numbers));
        await app.DeliverAsync(1, data: "{\"number\":7}");
        Assert.Equal(7, await numbers.Reader.ReadAsync().AsTask().WaitAsync(Wait.Limit));
        await app.DeliverAsync(2, data: "{\"number\":\"x\"}");
        await Wait.UntilAsync(async () => (await app.StreamAsync()).IsBlocked);
        Assert.StartsWith("JsonException", (await app.StreamAsync()).Hold!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pump_VoidAndUnhandled_MoveTheWatermark_AndAreCounted()
    {
        await using var app = await TestApp.StartAsync(handlers: builder => builder.Handle("order.changed", (_, _, _) => Task.CompletedTask));
        await app.DeliverAsync(1, type: "nobody.cares");
        using var response = await app.SendAsync(TestApp.Request("evt_1_2", Sent.Void(2)));
        Assert.Equal(204, (int)response.StatusCode);
        await app.DeliverAsync(3);
        await app.UntilProcessedAsync(3);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((1, 1, 1), (counts.Processed, counts.Unhandled, counts.Void));
    }

    [Fact]
    public async Task Pump_Unhandled_BlocksWhenChosen()
    {
        await using var app = await TestApp.StartAsync(options => options.OnUnhandled = UnhandledPolicy.Block);
        await app.DeliverAsync(1);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).Hold?.Reason == HoldReason.Unhandled);
    }

    [Fact]
    public async Task Pump_ForeignSender_IsProcessedOnceWithoutANumber()
    {
        var seen = Channel.CreateUnbounded<WebhookEvent>();
        await using var app = await TestApp.StartAsync(handlers: builder => builder.HandleFallback(async (one, context, ct) =>
        {
            if (context.Attempt == 1) throw new InvalidOperationException("once");
            await seen.Writer.WriteAsync(one, ct);
        }));
        var body = Encoding.UTF8.GetBytes("""{"type":"user.created","timestamp":"2026-01-01T00:00:00Z","data":{"a":1}}""");
        for (var i = 0; i < 2; i++)
        {
            using var response = await app.SendAsync(TestApp.Request("msg_1", body));
            Assert.Equal(204, (int)response.StatusCode);
        }

        var one = await seen.Reader.ReadAsync().AsTask().WaitAsync(Wait.Limit);
        Assert.Equal(("msg_1", "user.created", null, "{\"a\":1}"), (one.Id, one.Type, one.Seq, Encoding.UTF8.GetString(one.Data.Span)));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).UnnumberedWaiting == 0);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((1, 1), (counts.Processed, counts.Duplicates));
        Assert.False(seen.Reader.TryRead(out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pump_ForeignSender_HandlerExhausted_IsSurfacedUntilUnblocked(bool memory)
    {
        var broken = true;
        await using var app = await TestApp.StartAsync(options => options.HandlerMaxAttempts = 2, memory: memory, handlers: builder => builder.HandleFallback((one, _, _) =>
            broken && one.Id == "msg_1" ? throw new InvalidOperationException("broken") : Task.CompletedTask));
        await SendForeignAsync(app, "msg_1");
        await SendForeignAsync(app, "msg_2");
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { UnnumberedFailed: 1, UnnumberedWaiting: 1 });
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
        broken = false;
        await app.Status.UnblockAsync(TestApp.Source);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).UnnumberedWaiting == 0);
        Assert.Equal(HealthStatus.Healthy, await app.HealthAsync());
    }

    [Fact]
    public async Task Pump_ForeignSender_HandlerExhausted_ParksEachWhenChosen()
    {
        await using var app = await TestApp.StartAsync(
            options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (1, ExhaustedPolicy.Park),
            builder => builder.HandleFallback((_, _, _) => throw new InvalidOperationException("broken")));
        await SendForeignAsync(app, "msg_1");
        await SendForeignAsync(app, "msg_2");
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { UnnumberedWaiting: 0, Counts: { Parked: 2, Processed: 0 } });
        using var connection = new SqliteConnection($"Data Source={Path.Combine(app.Folder, "inbox.processed.db")}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT group_concat(event_id) FROM (SELECT event_id FROM webhook_parked ORDER BY event_id)";
        Assert.Equal("msg_1,msg_2", command.ExecuteScalar());
    }

    [Fact]
    public async Task Stop_WhileAHandlerWorks_RollsBackAndComesAgainInTheNextProcess()
    {
        using var folder = TestApp.NewFolder();
        var entered = new TaskCompletionSource();
        await using (var app = await TestApp.StartAsync(folder: folder, handlers: builder => builder.Handle("order.changed", async (one, context, ct) =>
        {
            await EffectAsync(context, one.Id);
            entered.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        })))
        {
            await app.DeliverAsync(1);
            await entered.Task.WaitAsync(Wait.Limit);
        }

        await using var again = await TestApp.StartAsync(folder: folder, handlers: builder => builder.Handle("order.changed", (one, context, _) => EffectAsync(context, one.Id)));
        await again.UntilProcessedAsync(1);
        Assert.Equal(["evt_1_1"], Effects(again));
    }

    private static async Task SendForeignAsync(TestApp app, string id)
    {
        using var response = await app.SendAsync(TestApp.Request(id, """{"type":"user.created","data":{}}"""u8.ToArray()));
        Assert.Equal(204, (int)response.StatusCode);
    }

    /// <summary>What it has written is committed with the mark, so nothing is repeated; that it did so is its failure, and told.</summary>
    [Fact]
    public async Task Pump_HandlerThatCommits_IsAFailure_AndIsNotCalledTwice()
    {
        using var logs = new LogRecorder();
        var calls = new ConcurrentQueue<long>();
        await using var app = await TestApp.StartAsync(
            handlers: builder => builder.Handle("order.changed", (one, context, ct) =>
            {
                calls.Enqueue(one.Seq!.Value);
                return context.Transaction.CommitAsync(ct);
            }),
            services: services => services.AddSingleton<ILoggerProvider>(logs));
        await app.DeliverAsync(1);
        await app.DeliverAsync(2);
        await app.UntilProcessedAsync(2);
        Assert.Equal([1L, 2L], calls);
        Assert.Equal(2, logs.Lines.Count(line => line.Contains("The handler ended the transaction it was given", StringComparison.Ordinal)));
        await Wait.UntilAsync(async () => !(await app.StreamAsync()).IsBlocked);
    }

    [Fact]
    public async Task Pump_TwoProcessesOnOneInbox_EffectsHappenOnce()
    {
        using var folder = TestApp.NewFolder();
        var calls = new ConcurrentBag<string>();
        void Handlers(IWebhookReceiverBuilder builder) => builder.Handle("order.changed", (one, context, _) =>
        {
            calls.Add(one.Id);
            return EffectAsync(context, one.Id);
        });
        await using var first = await TestApp.StartAsync(handlers: Handlers, folder: folder);
        await using var second = await TestApp.StartAsync(handlers: Handlers, folder: folder);
        for (var seq = 1; seq <= 40; seq++) Assert.Equal(204, await (seq % 2 == 0 ? first : second).DeliverAsync(1 + ((seq - 1) / 2)));
        await Wait.UntilAsync(() => Task.FromResult(Effects(first).Count >= 20));
        Assert.Equal(Enumerable.Range(1, 20).Select(seq => $"evt_1_{seq}"), Effects(first));
        // No transaction takes back a mail, so the second process is not to get as far as the handler.
        Assert.Equal(20, calls.Count);
    }

    private static async Task EffectAsync(WebhookHandlerContext context, string id)
    {
        await using var command = context.Connection.CreateCommand();
        command.Transaction = context.Transaction;
        command.CommandText = $"CREATE TABLE IF NOT EXISTS effect (id TEXT); INSERT INTO effect VALUES ('{id}')";
        await command.ExecuteNonQueryAsync();
    }

    private static List<string> Effects(TestApp app)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(app.Folder, "inbox.processed.db")}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "CREATE TABLE IF NOT EXISTS effect (id TEXT); SELECT id FROM effect ORDER BY rowid";
        using var row = command.ExecuteReader();
        var ids = new List<string>();
        while (row.Read()) ids.Add(row.GetString(0));
        return ids;
    }
}
