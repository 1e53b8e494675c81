using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
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
    public async Task Inbox_FileWithoutTheTypesOfForeignEvents_IsGivenThem_AndKeepsItsEvents()
    {
        using var folder = TestApp.NewFolder();
        using (var old = new SqliteConnection($"Data Source={Path.Combine(folder.Path, "inbox.db")};Pooling=False"))
        {
            SQLitePCL.Batteries_V2.Init();
            old.Open();
            using var command = old.CreateCommand();
            command.CommandText = """
                CREATE TABLE unnumbered (
                    arrival INTEGER PRIMARY KEY, source TEXT NOT NULL, event_id TEXT NOT NULL, body BLOB NOT NULL, received_at INTEGER NOT NULL,
                    done INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, error TEXT, UNIQUE (source, event_id));
                INSERT INTO unnumbered (source, event_id, body, received_at) VALUES ('acme', 'msg_1', CAST('{"type":"order.changed"}' AS BLOB), 1);
                """;
            command.ExecuteNonQuery();
        }

        var types = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var app = await TestApp.StartAsync(folder: folder, handlers: builder => builder.HandleFallback((one, _, _) =>
        {
            types.Enqueue(one.Type);
            return Task.CompletedTask;
        }));
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { UnnumberedWaiting: 0, Counts.Processed: 1 });
        Assert.Equal(["order.changed"], types);
    }

    [Fact]
    public async Task Intake_InboxFileLocked_Answers503WithRetryAfterAndRecovers()
    {
        await using var app = await TestApp.StartAsync(busyTimeout: TimeSpan.FromSeconds(1));
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
        using var folder = TestApp.NewFolder();
        var inTheWay = Directory.CreateDirectory(Path.Combine(folder, "inbox.db"));
        await using var app = await TestApp.StartAsync(folder: folder);
        Assert.Equal(503, await app.DeliverAsync(1));
        inTheWay.Delete();
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(1);
    }

    [Fact]
    public async Task Intake_InboxFileCorrupt_Answers503_AndHealthSaysWhy()
    {
        using var folder = TestApp.NewFolder();
        await File.WriteAllBytesAsync(Path.Combine(folder, "inbox.db"), [.. Enumerable.Repeat((byte)'x', 8192)]);
        await using var app = await TestApp.StartAsync(folder: folder);
        Assert.Equal(503, await app.DeliverAsync(1));
        var health = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Contains("not a database", health.Entries["webhooks"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Intake_InboxFolderIsAFile_Answers503_AndHealthSaysWhy()
    {
        using var folder = TestApp.NewFolder();
        var inTheWay = Path.Combine(folder, "data");
        await File.WriteAllTextAsync(inTheWay, "");
        await using var app = await TestApp.StartAsync(folder: inTheWay);
        Assert.Equal(503, await app.DeliverAsync(1));
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
        File.Delete(inTheWay);
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(1);
    }

    [Fact]
    public async Task Writer_BatchFailsHalfWay_IsRolledBackAndHoldsNoLock()
    {
        using var folder = TestApp.NewFolder();
        var file = $"Data Source={Path.Combine(folder.Path, "one.db")};Pooling=False;Default Timeout=1";
        var forgotten = 0;
        await using var writer = new SqliteWriter(
            () => SqliteFile.Open(file, "FULL", "Inbox"), _ => { }, () => forgotten++);
        await Assert.ThrowsAsync<InboxUnavailableException>(() => writer.WriteAsync<int>(connection =>
        {
            connection.RunPrepared("INSERT INTO source (name) VALUES ($source)", ("$source", "acme"));
            throw new InvalidOperationException("half-way");
        }));
        using (var other = SqliteFile.Open(file, "FULL", null))
        {
            other.Run("BEGIN IMMEDIATE");
            Assert.Equal(0L, other.ValuePrepared("SELECT count(*) FROM source"));
        }

        Assert.Equal(1, forgotten);
        Assert.Equal(1, await writer.WriteAsync(connection => connection.RunPrepared("INSERT INTO source (name) VALUES ($source)", ("$source", "acme"))));
    }

    /// <summary>A first start with the path of the README met trouble before the first delivery had made the folder.</summary>
    [Fact]
    public async Task State_FolderIsNotThereYet_MakesIt()
    {
        using var folder = TestApp.NewFolder();
        var options = new SqliteInboxOptions { InboxPath = Path.Combine(folder.Path, "data", "inbox.db") };
        await using var inbox = new SqliteInbox(options, NullLogger<SqliteInbox>.Instance);
        Assert.Null((await inbox.GetStateAsync("acme", default)).Position);
    }

    /// <summary>The sender counts 503s and pauses; without a delivery nothing told that the inbox was back.</summary>
    [Fact]
    public async Task Intake_InboxFileUnlocked_IsFoundBackWithoutADelivery()
    {
        await using var app = await TestApp.StartAsync(busyTimeout: TimeSpan.FromSeconds(1));
        Assert.Equal(204, await app.DeliverAsync(1));
        using (var other = new SqliteConnection($"Data Source={app.InboxPath};Pooling=False"))
        {
            other.Open();
            using var transaction = other.BeginTransaction();
            Assert.Equal(503, await app.DeliverAsync(2));
        }

        await Wait.UntilAsync(async () => !(await app.Status.GetAsync(TestApp.Source)).InboxDown);
        // A loop that met the lock, too, says so until its next turn.
        await Wait.UntilAsync(async () => await app.HealthAsync() == HealthStatus.Healthy);
    }

    /// <summary>Both keep in mind what the file holds; once, the one did not see what the other had stored, and overwrote it.</summary>
    [Fact]
    public async Task TwoProcessesOnOneInbox_EachSeesWhatTheOtherStored_AndOverwritesNothing()
    {
        await using var pair = await Pair.StartAsync();
        await pair.First.StoreAsync("acme", [Sent.Stored(1)], new StoreRules(100), default);
        await pair.Second.StoreAsync("acme", [Sent.Stored(2)], new StoreRules(100), default);
        var state = await pair.Second.GetStateAsync("acme", default);
        Assert.Equal((2L, false, 2L, Sent.Endpoint), (state.Contiguous, state.HasGap, state.Counts.Received, state.Endpoint));

        await pair.First.SetHoldAsync("acme", new StreamHold(HoldReason.StreamConflict, 3, null, 0, "why", null), false, default);
        await pair.First.AddEpochAsync("acme", new EpochStart(2, 9), default);
        await pair.Second.StoreAsync("acme", [Sent.Stored(4)], new StoreRules(100), default);
        foreach (var inbox in pair.Both)
        {
            await inbox.RefreshAsync("acme", default);
            state = await inbox.GetStateAsync("acme", default);
            Assert.Equal((2L, true, 3L, 2), (state.Contiguous, state.HasGap, state.Counts.Received, state.Epochs.Latest));
            Assert.Equal(HoldReason.StreamConflict, state.Hold?.Reason);
        }
    }

    [Fact]
    public async Task Refresh_SomethingStoredOrProcessedElsewhere_IsToldOnce()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Second.RefreshAsync("acme", default);
        Assert.False(await pair.Second.RefreshAsync("acme", default));
        await pair.First.StoreAsync("acme", [Sent.Stored(1)], new StoreRules(100), default);
        Assert.True(await pair.Second.RefreshAsync("acme", default));
        Assert.Equal(1, (await pair.Second.GetStateAsync("acme", default)).Waiting);
        await using (var transaction = await pair.First.BeginAsync("acme", default))
        {
            Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
            await transaction.CommitAsync(default);
        }

        Assert.True(await pair.Second.RefreshAsync("acme", default));
        Assert.Equal((0L, 1L), ((await pair.Second.GetStateAsync("acme", default)).Waiting, (await pair.Second.GetStateAsync("acme", default)).Position!.Value.Seq));
        Assert.False(await pair.Second.RefreshAsync("acme", default));
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
        await using var pair = await Pair.StartAsync();
        var (first, second) = (pair.First, pair.Second);
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
        using var folder = TestApp.NewFolder();
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

/// <summary>Two inboxes on the same files, as two processes have them.</summary>
internal sealed class Pair : IAsyncDisposable
{
    private readonly TestFolder _folder = new();

    private Pair()
    {
        var options = new SqliteInboxOptions { InboxPath = Path.Combine(_folder.Path, "inbox.db") };
        First = new SqliteInbox(options, NullLogger<SqliteInbox>.Instance);
        Second = new SqliteInbox(options, NullLogger<SqliteInbox>.Instance);
    }

    public IWebhookInbox First { get; }

    public IWebhookInbox Second { get; }

    public IWebhookInbox[] Both => [First, Second];

    public static async Task<Pair> StartAsync()
    {
        var pair = new Pair();
        await pair.First.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await pair.First.StartAsync("acme", new StreamPosition(1, 0), false, default);
        return pair;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var inbox in Both) await ((SqliteInbox)inbox).DisposeAsync();
        _folder.Dispose();
    }
}

internal static class InboxExtensions
{
    public static Task<InboxState> GetInboxAsync(this IServiceProvider services) =>
        services.GetSource().Inbox.GetStateAsync(TestApp.Source, default);

    public static ReceiverSource GetSource(this IServiceProvider services) =>
        ((ReceiverRegistry)services.GetService(typeof(ReceiverRegistry))!).Get(TestApp.Source);
}
