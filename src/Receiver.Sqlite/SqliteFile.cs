using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>Opens databases and gives commands; the few things that every user of SQLite here needs alike.</summary>
internal static class SqliteFile
{
    // A connection that is closed takes its statements with it.
    private static readonly ConditionalWeakTable<SqliteConnection, Dictionary<string, SqliteCommand>> PreparedCommands = [];

    static SqliteFile() => SQLitePCL.Batteries_V2.Init();

    /// <summary>Opens a file in WAL mode, where readers and the one writer do not wait for each other.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="synchronous">FULL when a commit must outlive a power cut.</param>
    /// <param name="schema">The schema that it is to have, or null.</param>
    public static SqliteConnection Open(string connectionString, string synchronous, string? schema) =>
        Open(connectionString, connection =>
        {
            connection.Run($"PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};");
            if (schema is not null) SqliteSchema.Bring(connection, schema);
        });

    /// <summary>Opens a database and prepares it; closes it when that fails.</summary>
    public static SqliteConnection Open(string connectionString, Action<SqliteConnection> prepare)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            prepare(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static void MakeFolder(string file)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder) Directory.CreateDirectory(folder);
    }

    public static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The embedded file {name} is missing.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    public static SqliteCommand Command(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
        // Every text given here is a constant or an embedded file.
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    /// <summary>Runs a statement that stays prepared for as long as its connection is open: only for connections that are kept, and texts that are few.</summary>
    public static int RunPrepared(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        Prepared(connection, sql, parameters).ExecuteNonQuery();

    /// <summary>The rows of a prepared query, to be disposed before it is run again.</summary>
    public static SqliteDataReader ReadPrepared(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        Prepared(connection, sql, parameters).ExecuteReader();

    /// <summary>The one value of a prepared query; null when there is no row.</summary>
    public static object? ValuePrepared(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        Prepared(connection, sql, parameters).ExecuteScalar();

    public static long NumberPrepared(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        (long)connection.ValuePrepared(sql, parameters)!;

    private static SqliteCommand Prepared(SqliteConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var known = PreparedCommands.GetValue(connection, _ => new Dictionary<string, SqliteCommand>(StringComparer.Ordinal));
        if (!known.TryGetValue(sql, out var command))
        {
            known.Add(sql, command = connection.Command(sql, parameters));
            return command;
        }

        for (var i = 0; i < parameters.Length; i++) command.Parameters[i].Value = parameters[i].Value ?? DBNull.Value;
        return command;
    }

    public static int Run(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = connection.Command(sql, parameters);
        return command.ExecuteNonQuery();
    }
}
