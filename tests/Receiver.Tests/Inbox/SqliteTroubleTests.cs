using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Webhooks.Receiver.Tests;

/// <summary>What SQLite alone can meet.</summary>
public sealed class SqliteTroubleTests
{
    [Fact]
    public async Task Intake_WhileAHandlerHoldsItsTransaction_AnswersAThousandDeliveries204()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(handlers: builder => builder.Handle("order.changed", async (one, context, _) =>
        {
            await using var command = context.Connection.CreateCommand();
            command.Transaction = context.Transaction;
            command.CommandText = $"CREATE TABLE IF NOT EXISTS effect (seq INTEGER PRIMARY KEY); INSERT INTO effect VALUES ({one.Seq})";
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            if (one.Seq != 1) return;
            entered.SetResult();
            await release.Task.WaitAsync(CancellationToken.None);
        }));
        Assert.Equal(204, await app.DeliverAsync(1));
        await entered.Task.WaitAsync(Wait.Limit);
        await Parallel.ForEachAsync(Enumerable.Range(2, 1000), new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (seq, _) => Assert.Equal(204, await app.DeliverAsync(seq)));
        Assert.Equal((0L, 1001L), ((await app.StreamAsync()).Watermark, (await app.StreamAsync()).HighestStored));
        release.SetResult();
        await app.UntilProcessedAsync(1001);
    }

    [Fact]
    public async Task Intake_InboxFileLocked_Answers503WithRetryAfterAndRecovers()
    {
        await using var app = await TestApp.StartAsync();
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(1);
        using (var other = new SqliteConnection($"Data Source={app.InboxPath};Pooling=False"))
        {
            other.Open();
            using var transaction = other.BeginTransaction();
            var one = Sent.Event(2);
            using var response = await app.SendAsync(TestApp.Request(one.Id, one.Body));
            Assert.Equal(503, (int)response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
            Assert.True((await app.Status.GetAsync(TestApp.Source)).InboxDown);
        }

        Assert.Equal(204, await app.DeliverAsync(2));
        await app.UntilProcessedAsync(2);
        Assert.False((await app.Status.GetAsync(TestApp.Source)).InboxDown);
    }

    [Fact]
    public async Task Intake_InboxFileCannotBeOpened_Answers503AndRecovers()
    {
        var folder = TestApp.NewFolder();
        var inTheWay = Directory.CreateDirectory(Path.Combine(folder, "inbox.db"));
        await using var app = await TestApp.StartAsync(folder: folder);
        Assert.Equal(503, await app.DeliverAsync(1));
        inTheWay.Delete();
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(1);
    }

    [Fact]
    public async Task Intake_InboxFull_Answers503_ButTakesWhatFillsTheGap()
    {
        await using var app = await TestApp.StartAsync(options => (options.InboxLimit, options.StartAt) = (3, StartAt.Seq(1)));
        for (var seq = 2; seq <= 4; seq++) Assert.Equal(204, await app.DeliverAsync(seq));
        Assert.Equal(503, await app.DeliverAsync(5));
        Assert.True((await app.Status.GetAsync(TestApp.Source)).NearLimit);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).Watermark == 0);
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(4);
        Assert.Equal(204, await app.DeliverAsync(5));
    }

    [Fact]
    public async Task Advance_TwoProcessesOnOneInbox_OnlyOneMovesTheWatermark()
    {
        var options = new SqliteInboxOptions { InboxPath = Path.Combine(TestApp.NewFolder(), "inbox.db") };
        await using var first = new SqliteInbox(options, NullLogger<SqliteInbox>.Instance);
        await using var second = new SqliteInbox(options, NullLogger<SqliteInbox>.Instance);
        await first.StartAsync("acme", new StreamPosition(1, 0), false, default);
        _ = await second.GetStateAsync("acme", default);
        var (from, to) = (new StreamPosition(1, 0), new StreamPosition(1, 1));
        await using (var mine = await first.BeginAsync("acme", default))
        {
            Assert.True(await mine.AdvanceAsync(from, to, Settlement.Processed, default));
            await mine.CommitAsync(default);
        }

        await using var theirs = await second.BeginAsync("acme", default);
        Assert.False(await theirs.AdvanceAsync(from, to, Settlement.Processed, default));
        Assert.Equal(to, (await second.GetStateAsync("acme", default)).Position);
    }

    [Fact]
    public async Task Restart_InboxFileLost_WatermarkStillTellsWhatWasProcessed()
    {
        var folder = TestApp.NewFolder();
        await using (var app = await TestApp.StartAsync(folder: folder))
        {
            await app.DeliverAsync(1);
            await app.UntilProcessedAsync(1);
        }

        SqliteConnection.ClearAllPools();
        foreach (var file in Directory.GetFiles(folder, "inbox.db*")) File.Delete(file);
        await using var again = await TestApp.StartAsync(folder: folder);
        await Wait.UntilAsync(async () => (await again.Services.GetInboxAsync()).Position is not null);
        Assert.Equal(204, await again.DeliverAsync(1));
        Assert.Equal(0, (await again.Services.GetInboxAsync()).Waiting);
    }
}

internal static class InboxExtensions
{
    public static Task<InboxState> GetInboxAsync(this IServiceProvider services) =>
        ((ReceiverRegistry)services.GetService(typeof(ReceiverRegistry))!).Get(TestApp.Source).Inbox.GetStateAsync(TestApp.Source, default);
}
