using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>The shared server's database of the receiver's tests, and inboxes in schemas of their own.</summary>
internal static class TestDatabase
{
    private static readonly Lazy<Task<string>> Made = new(() => SharedPostgres.CreateDatabaseAsync());
    private static int _schemas;

    public static Task<string> ConnectionStringAsync() => Made.Value;

    public static string NewSchema() => $"inbox_{Interlocked.Increment(ref _schemas)}";

    public static async Task<PostgreSqlInbox> OpenAsync(string schema, TimeSpan? lease = null, TimeProvider? time = null) =>
        Open(await ConnectionStringAsync(), schema, lease, time);

    public static PostgreSqlInbox Open(string database, string schema, TimeSpan? lease = null, TimeProvider? time = null) => new(
        new InboxDatabase(new PostgreSqlInboxOptions
        {
            ConnectionString = $"{database};Maximum Pool Size=20", Schema = schema, LeaseDuration = lease ?? TimeSpan.FromSeconds(15),
        }, null), time ?? TimeProvider.System, NullLoggerFactory.Instance);

    public static async Task<object?> RunAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(await ConnectionStringAsync());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}

public sealed class PostgreSqlInboxTests : InboxConformance, IAsyncLifetime
{
    private readonly string _schema = TestDatabase.NewSchema();
    private readonly List<PostgreSqlInbox> _made = [];
    private string _database = "";

    public async Task InitializeAsync() => _database = await TestDatabase.ConnectionStringAsync();

    public async Task DisposeAsync()
    {
        foreach (var inbox in _made) await inbox.DisposeAsync();
    }

    protected override IWebhookInbox Create()
    {
        var inbox = TestDatabase.Open(_database, _schema);
        _made.Add(inbox);
        return inbox;
    }

    protected override IWebhookInbox Again() => Create();
}
