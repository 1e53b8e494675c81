using System.Globalization;
using System.Reflection;
using Npgsql;

namespace Webhooks.Receiver;

/// <summary>Brings the schema up to date: numbered, forward-only files, all in one transaction that only one process runs at a time.</summary>
internal sealed class InboxMigrator(InboxDatabase database)
{
    // Any number will do that no other program is likely to lock; the schema's name is mixed in by the server.
    private const int AdvisoryLockClass = 0x57_48_49_31;
    private const string Folder = "Database/Migrations/";

    /// <summary>Applies what is missing.</summary>
    /// <returns>The names of the files applied.</returns>
    /// <exception cref="InvalidOperationException">The schema is newer than this program.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var files = Files().ToList();
        // Asked first, so that a role that may change no schema can use one that somebody else has made.
        if (await VersionAsync(connection, cancellationToken).ConfigureAwait(false) is { } found && IsCurrent(found, files)) return [];

        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = transaction.ConfigureAwait(false);
        // Waiting for another node's migration may take long, and is not idle.
        await RunAsync("SET LOCAL idle_in_transaction_session_timeout = 0").ConfigureAwait(false);
        await RunAsync("SELECT pg_advisory_xact_lock($1, hashtext($2))", AdvisoryLockClass, database.Schema).ConfigureAwait(false);
        await RunAsync($"CREATE SCHEMA IF NOT EXISTS \"{database.Schema}\"").ConfigureAwait(false);
        await RunAsync(database.WithSchema(
            "CREATE TABLE IF NOT EXISTS inbox.migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")).ConfigureAwait(false);
        var version = await VersionAsync(connection, cancellationToken).ConfigureAwait(false) ?? 0;
        if (IsCurrent(version, files)) return [];

        var applied = new List<string>();
        foreach (var (number, name) in files.Where(file => file.Number > version))
        {
            await RunAsync(database.WithSchema(InboxDatabase.Read(name))).ConfigureAwait(false);
            await RunAsync(database.WithSchema("INSERT INTO inbox.migration (number, name) VALUES ($1, $2)"), number, name).ConfigureAwait(false);
            applied.Add(name);
        }

        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return applied;

        async Task RunAsync(string sql, params object[] values)
        {
            var command = new NpgsqlCommand(sql, connection);
            await using var ___ = command.ConfigureAwait(false);
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsCurrent(int version, List<(int Number, string Name)> files) => version <= files[^1].Number
        ? version == files[^1].Number
        : throw new InvalidOperationException(
            $"The webhook inbox in schema \"{database.Schema}\" is of version {version}, and this program knows none later than {files[^1].Number}. "
            + "A newer version of the program has used it; run that one, or another schema.");

    /// <summary>The last file applied; null when there is no schema.</summary>
    private async Task<int?> VersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var exists = new NpgsqlCommand("SELECT to_regclass($1) IS NOT NULL", connection) { Parameters = { new() { Value = $"\"{database.Schema}\".migration" } } };
        await using var _ = exists.ConfigureAwait(false);
        if (!(bool)(await exists.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!) return null;
        var version = new NpgsqlCommand(database.WithSchema("SELECT coalesce(max(number), 0) FROM inbox.migration"), connection);
        await using var __ = version.ConfigureAwait(false);
        return (int)(await version.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static IEnumerable<(int Number, string Name)> Files() =>
        Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => (int.Parse(name[Folder.Length..].Split('_')[0], CultureInfo.InvariantCulture), name))
            .OrderBy(file => file.Item1);
}
