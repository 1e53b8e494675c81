using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Testing;

namespace Webhooks.Bench.Setup;

/// <summary>A durable PostgreSQL of the bench's own, with its standard settings, counting statements where the extension is installed.</summary>
internal sealed class BenchServer(PrivatePostgres postgres, bool countsStatements) : IAsyncDisposable
{
    private readonly List<string> _databases = [];

    public PrivatePostgres Postgres => postgres;

    public bool CountsStatements => countsStatements;

    public static async Task<BenchServer> StartAsync(CancellationToken cancel)
    {
        Report.Progress("Starting a private PostgreSQL ...");
        try
        {
            return new BenchServer(await PrivatePostgres.StartAsync(
                new PrivatePostgresOptions
                {
                    Settings = { ["shared_preload_libraries"] = "pg_stat_statements", ["pg_stat_statements.track_planning"] = "on" },
                }, cancel), true);
        }
        catch (PostgresStartException)
        {
            // The contributed extensions are a package of their own on some systems.
            return new BenchServer(await PrivatePostgres.StartAsync(ct: cancel), false);
        }
    }

    /// <summary>An empty database.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancel)
    {
        var connectionString = await postgres.CreateDatabaseAsync(ct: cancel);
        _databases.Add(new NpgsqlConnectionStringBuilder(connectionString).Database!);
        if (!countsStatements) return connectionString;
        await using var data = NpgsqlDataSource.Create(connectionString);
        await using var command = data.CreateCommand("CREATE EXTENSION pg_stat_statements");
        await command.ExecuteNonQueryAsync(cancel);
        return connectionString;
    }

    /// <summary>Drops the databases made so far and writes out what is in memory, so that nobody pays for vacuuming and storing what others left.</summary>
    public async Task ClearAsync(CancellationToken cancel)
    {
        await using var data = NpgsqlDataSource.Create(postgres.ConnectionString);
        foreach (var statement in _databases.Select(name => $"DROP DATABASE \"{name}\" WITH (FORCE)").Append("CHECKPOINT"))
        {
            await using var command = data.CreateCommand(statement);
            command.CommandTimeout = 0;
            await command.ExecuteNonQueryAsync(cancel);
        }

        _databases.Clear();
    }

    /// <summary>The version, and the settings that decide what a commit costs.</summary>
    public async Task<string> DescribeAsync(CancellationToken cancel)
    {
        await using var data = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var command = data.CreateCommand(
            """
            SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY place)
            FROM unnest(ARRAY['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size']) WITH ORDINALITY AS s(name, place)
            """);
        return (string)(await command.ExecuteScalarAsync(cancel))!;
    }

    public ValueTask DisposeAsync() => postgres.DisposeAsync();
}
