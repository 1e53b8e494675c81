using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Webhooks.Receiver.Tests;

/// <summary>Files that another version of the program has made.</summary>
public sealed class SqliteSchemaTests
{
    [Fact]
    public async Task Open_FilesOfTheVersionBeforeSchemasWereNumbered_LosesNothing()
    {
        using var folder = TestApp.NewFolder();
        Make(folder, "inbox.db", "Inbox", """
            INSERT INTO source (name, endpoint, received) VALUES ('acme', 'ep_1', 3);
            INSERT INTO epoch VALUES ('acme', 1, 1);
            INSERT INTO received VALUES ('acme', 3, 1, 'evt_1_3', 'ep_1', x'7B7D', 0, 0);
            INSERT INTO unnumbered (source, event_id, body, received_at, attempts, error) VALUES ('acme', 'msg_9', x'7B7D', 0, 10, 'why');
            """);
        Make(folder, "inbox.processed.db", "Processing", """
            INSERT INTO webhook_stream (source, epoch, watermark, processed, parked) VALUES ('acme', 1, 2, 1, 1);
            INSERT INTO webhook_parked VALUES ('acme', 1, 2, 'evt_1_2', x'7B7D', 'why', 1000);
            INSERT INTO webhook_parked VALUES ('acme', 0, 0, 'msg_1', x'7B7D', 'why', 1000), ('acme', 0, 0, 'msg_2', x'7B7D', 'why', 1000);
            INSERT INTO webhook_processed (source, event_id) VALUES ('acme', 'msg_2'), ('acme', 'msg_3');
            INSERT INTO webhook_forgotten VALUES ('acme', 5);
            """);
        await using var inbox = Open(folder);
        var state = await inbox.GetStateAsync("acme", default);
        Assert.Equal((2L, 3L, 1L, 1L), (state.Position!.Value.Seq, state.Contiguous, state.Waiting, state.UnnumberedFailed));
        // One of the two set aside that have no number is among the five that the earlier version had forgotten.
        Assert.Equal((3L, 6L, 3L), (state.Counts.Received, state.Counts.Processed, state.Counts.Parked));
        var parked = await inbox.ReadParkedAsync("acme", null, default, 10, default);
        Assert.Equal(["msg_1", "msg_2", "evt_1_2"], parked.Select(one => one.Event.Id));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1), parked[2].Event.ReceivedAt);
        Assert.Equal("evt_1_3", Assert.Single(await inbox.ReadAsync("acme", 1, 10, default)).Id);
        Assert.Equal("why", Assert.Single(await inbox.ReadFailedUnnumberedAsync("acme", null, "", 10, default)).Hold!.Detail);
    }

    [Fact]
    public async Task Open_InboxOfANewerVersion_IsRefusedWithItsNumber_AndLeftAsItIs()
    {
        using var folder = TestApp.NewFolder();
        await using (var made = Open(folder)) await made.StoreAsync("acme", [Sent.Stored(1)], new StoreRules(100), default);
        Run(folder, "inbox.db", "UPDATE webhook_schema SET version = 99");
        await using var inbox = Open(folder);
        var refused = await Assert.ThrowsAsync<InboxUnavailableException>(() => inbox.StoreAsync("acme", [Sent.Stored(2)], new StoreRules(100), default));
        Assert.Contains("is of version 99", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1L, Run(folder, "inbox.db", "SELECT count(*) FROM received"));
    }

    [Fact]
    public async Task Open_MarksOfANewerVersion_AreRefusedWithTheirNumber()
    {
        using var folder = TestApp.NewFolder();
        await using (var made = Open(folder)) await made.GetStateAsync("acme", default);
        Run(folder, "inbox.processed.db", "UPDATE webhook_schema SET version = 99");
        await using var inbox = Open(folder);
        var refused = await Assert.ThrowsAsync<InboxUnavailableException>(() => inbox.GetStateAsync("acme", default));
        Assert.Contains("is of version 99", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InboxUnavailableException>(() => inbox.BeginAsync("acme", default));
    }

    /// <summary>The marks may lie in the application's database, which numbers its own schema by <c>user_version</c>.</summary>
    [Fact]
    public async Task Open_InTheApplicationsDatabase_LeavesItsVersionAlone()
    {
        using var folder = TestApp.NewFolder();
        Run(folder, "shop.db", "PRAGMA user_version = 7; CREATE TABLE invoice (id TEXT)");
        await using var inbox = Open(folder, $"Data Source={Path.Combine(folder, "shop.db")}");
        Assert.True(await inbox.StartAsync("acme", new StreamPosition(1, 0), false, default));
        Assert.Equal(7L, Run(folder, "shop.db", "PRAGMA user_version"));
    }

    private static SqliteInbox Open(TestFolder folder, string? marks = null) => new(
        new SqliteInboxOptions { InboxPath = Path.Combine(folder, "inbox.db"), ProcessedConnectionString = marks }, NullLogger<SqliteInbox>.Instance);

    /// <summary>What the version before had as its whole schema is the first migration, unchanged.</summary>
    private static void Make(TestFolder folder, string file, string part, string rows) =>
        Run(folder, file, SqliteFile.Resource($"{part}/Migrations/0001_initial.sql") + rows);

    private static object? Run(TestFolder folder, string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, file)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
