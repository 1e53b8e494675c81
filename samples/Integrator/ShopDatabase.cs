using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using Webhooks.Receiver;

namespace Webhooks.Integrator;

/// <summary>The shop's own database, SQLite or PostgreSQL, into which the receiver writes its marks, too.</summary>
internal sealed class ShopDatabase(DbDataSource? postgreSql, string? sqlite, TimeSpan? lease = null)
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS invoice (id text PRIMARY KEY, customer text NOT NULL, amount_cents bigint NOT NULL, status text NOT NULL);
        """;

    // A number of their own, so that the order in which effects were made can be read; no key on the event, so that a second effect would show.
    private const string PostgreSqlObserved =
        "CREATE TABLE IF NOT EXISTS observed (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text NOT NULL, seq bigint)";

    private const string SqliteObserved =
        "CREATE TABLE IF NOT EXISTS observed (number integer PRIMARY KEY AUTOINCREMENT, event_id text NOT NULL, seq bigint)";

    /// <summary>Reads <c>Inbox</c>: <c>sqlite</c> or <c>postgresql</c>, and the connection string of that name; for the latter <c>InboxLease</c>, if it is there.</summary>
    public static ShopDatabase From(IConfiguration configuration) => configuration["Inbox"] switch
    {
        "sqlite" => new ShopDatabase(null, configuration.GetConnectionString("Sqlite")),
        "postgresql" => new ShopDatabase(NpgsqlDataSource.Create(configuration.GetConnectionString("PostgreSql")!), null, configuration.GetValue<TimeSpan?>("InboxLease")),
        var other => throw new InvalidOperationException($"Inbox is \"{other}\"; it is sqlite or postgresql."),
    };

    /// <summary>Keeps the source's events: the marks in this database, so that handlers commit with them.</summary>
    public IWebhookReceiverBuilder KeepInbox(IWebhookReceiverBuilder receiver)
    {
        if (postgreSql is NpgsqlDataSource data)
        {
            receiver.Services.AddSingleton(data);
            return receiver.UsePostgreSqlInbox(options => options.LeaseDuration = lease ?? options.LeaseDuration);
        }

        var file = new SqliteConnectionStringBuilder(sqlite).DataSource;
        return receiver.UseSqliteInbox(options =>
            (options.InboxPath, options.ProcessedConnectionString) = (Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "inbox.db"), sqlite));
    }

    public async Task<DbConnection> OpenAsync(CancellationToken cancellationToken = default)
    {
        if (postgreSql is not null) return await postgreSql.OpenConnectionAsync(cancellationToken);
        var connection = new SqliteConnection(sqlite);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    /// <summary>Makes the tables. Two nodes may start at the same moment; on PostgreSQL the lock lets one wait for the other.</summary>
    public async Task CreateTablesAsync(bool observed)
    {
        if (sqlite is not null) Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(new SqliteConnectionStringBuilder(sqlite).DataSource))!);
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = (sqlite is not null ? "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;" : "BEGIN; SELECT pg_advisory_xact_lock(4711);")
            + Schema + (observed ? sqlite is not null ? SqliteObserved : PostgreSqlObserved : "SELECT 1") + "; COMMIT";
        await command.ExecuteNonQueryAsync();
    }
}
