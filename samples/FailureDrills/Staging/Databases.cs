using Npgsql;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>One private PostgreSQL for all drills, and a database for each, copied from one that has the schema already.</summary>
internal sealed class Databases : IAsyncDisposable
{
    private const string Template = "drills_template";

    // The server copies a template for one at a time.
    private readonly SemaphoreSlim _copying = new(1, 1);
    private readonly PrivatePostgres _server;
    private int _made;

    private Databases(PrivatePostgres server) => _server = server;

    /// <exception cref="PostgresNotFoundException">The server programs are not on this machine.</exception>
    public static async Task<Databases> StartAsync(CancellationToken cancel)
    {
        var databases = new Databases(await PrivatePostgres.StartAsync(new PrivatePostgresOptions { Durable = false, MaxConnections = 500 }, cancel));
        await MigrateAsync(await databases._server.CreateDatabaseAsync(Template, cancel), cancel);
        return databases;
    }

    /// <summary>A database with an empty schema of the dispatcher.</summary>
    public async Task<string> CreateAsync(CancellationToken cancel)
    {
        var name = $"drill_{Interlocked.Increment(ref _made)}";
        await _copying.WaitAsync(cancel);
        try
        {
            await using var data = NpgsqlDataSource.Create(Unpooled(_server.ConnectionString));
            await using var command = data.CreateCommand($"CREATE DATABASE {name} TEMPLATE {Template} STRATEGY wal_log");
            await command.ExecuteNonQueryAsync(cancel);
        }
        finally
        {
            _copying.Release();
        }

        return new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = name, MaxPoolSize = 40 }.ToString();
    }

    /// <summary>A server of its own, durable, with a database that has the schema.</summary>
    public static async Task<(PrivatePostgres Server, string ConnectionString)> OwnAsync(CancellationToken cancel)
    {
        var server = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { Durable = false, MaxConnections = 200 }, cancel);
        var database = await server.CreateDatabaseAsync("drill", cancel);
        await MigrateAsync(database, cancel);
        return (server, database);
    }

    public async ValueTask DisposeAsync()
    {
        _copying.Dispose();
        await _server.DisposeAsync();
    }

    private static async Task MigrateAsync(string database, CancellationToken cancel)
    {
        var unpooled = Unpooled(database);
        await using (await Platform.StartAsync(unpooled, new Tuning().Settings(1), worker: false, null, null, cancel)) { }
    }

    private static string Unpooled(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ToString();
}
