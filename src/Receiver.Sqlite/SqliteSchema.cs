using System.Globalization;
using System.Reflection;
using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>
/// Brings a database's schema up to date: numbered, forward-only files, in one transaction. The number is kept in a table of our own, for the marks
/// may lie in the application's database, whose <c>user_version</c> is the application's.
/// </summary>
internal static class SqliteSchema
{
    private const string Create = "CREATE TABLE IF NOT EXISTS webhook_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL)";

    /// <param name="connection">The database.</param>
    /// <param name="part">The folder of the migrations, such as <c>Inbox</c>.</param>
    /// <exception cref="InboxUnavailableException">A newer version has written the database.</exception>
    public static void Bring(SqliteConnection connection, string part)
    {
        var migrations = Migrations(part);
        var latest = migrations[^1].Number;
        // Usually there is nothing to do, and then nothing is locked.
        if (Version(connection, part) == latest) return;
        using var transaction = connection.BeginTransaction();
        connection.Run(Create);
        var version = Version(connection, part);
        if (version > latest)
            throw new InboxUnavailableException(
                $"The schema \"{part}\" of {connection.DataSource} is of version {version}, and this program knows it up to {latest}: a newer one has written it. Start that one.");
        foreach (var (number, name) in migrations)
            if (number > version) connection.Run(SqliteFile.Resource(name));
        connection.Run("INSERT INTO webhook_schema (part, version) VALUES ($part, $version) ON CONFLICT DO UPDATE SET version = $version",
            ("$part", part), ("$version", latest));
        transaction.Commit();
    }

    private static long Version(SqliteConnection connection, string part)
    {
        if (SqliteShelf.Number(connection, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'webhook_schema'") == 0) return 0;
        return SqliteShelf.Number(connection, "SELECT coalesce(max(version), 0) FROM webhook_schema WHERE part = $part", ("$part", part));
    }

    private static (int Number, string Name)[] Migrations(string part)
    {
        var folder = part + "/Migrations/";
        return [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(folder, StringComparison.Ordinal))
            .Select(name => (int.Parse(name[folder.Length..].Split('_')[0], CultureInfo.InvariantCulture), name))
            .Order()];
    }
}
