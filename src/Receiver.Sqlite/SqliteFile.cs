using System.Reflection;
using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>Opens databases and gives commands; the few things that every user of SQLite here needs alike.</summary>
internal static class SqliteFile
{
    static SqliteFile() => SQLitePCL.Batteries_V2.Init();

    /// <summary>Opens a file in WAL mode, where readers and the one writer do not wait for each other.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="synchronous">FULL when a commit must outlive a power cut.</param>
    /// <param name="schema">The embedded schema, or null.</param>
    public static SqliteConnection Open(string connectionString, string synchronous, string? schema)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            connection.Run($"PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};");
            if (schema is not null) connection.Run(Resource(schema));
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
#pragma warning disable CA2100 // Every text given here is a constant or an embedded file.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public static int Run(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = connection.Command(sql, parameters);
        return command.ExecuteNonQuery();
    }
}
