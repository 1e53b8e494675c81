using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Webhooks.Dispatcher.Database;

/// <summary>Brings the schema up to date: numbered, forward-only files, all in one transaction that only one process runs at a time.</summary>
internal sealed partial class Migrator(WebhookDatabase database, ILogger<Migrator> logger)
{
    // Any number will do that no other program is likely to lock; the schema's name is mixed in by the server.
    private const int AdvisoryLockClass = 0x57_48_4b_31;

    public async Task<int> MigrateAsync(CancellationToken cancel)
    {
        await using var connection = await database.OpenAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await Execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", AdvisoryLockClass, database.Schema);
        await Execute($"CREATE SCHEMA IF NOT EXISTS \"{database.Schema}\"");
        await Execute(database.WithSchema(
            "CREATE TABLE IF NOT EXISTS webhooks.migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"));

        var applied = 0;
        foreach (var (number, name) in Migrations())
        {
            // The number goes in first: a second run of the same file fails here, before it does anything.
            await using var insert = new NpgsqlCommand(
                database.WithSchema("INSERT INTO webhooks.migration (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING"), connection, transaction)
            {
                Parameters = { new() { Value = number }, new() { Value = name } },
            };
            if (await insert.ExecuteNonQueryAsync(cancel) == 0) continue;
            await Execute(database.WithSchema(WebhookDatabase.Read(name)));
            LogApplied(name, database.Schema);
            applied++;
        }

        await transaction.CommitAsync(cancel);
        return applied;

        async Task Execute(string sql, params object[] values)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            await command.ExecuteNonQueryAsync(cancel);
        }
    }

    private static IEnumerable<(int Number, string Name)> Migrations() =>
        Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith("Database/Migrations/", StringComparison.Ordinal))
            .Select(name => (int.Parse(name["Database/Migrations/".Length..].Split('_')[0], CultureInfo.InvariantCulture), name))
            .OrderBy(migration => migration.Item1);

    [LoggerMessage(1, LogLevel.Information, "Migration {Migration} applied to schema {Schema}", EventName = "MigrationApplied")]
    private partial void LogApplied(string migration, string schema);
}
