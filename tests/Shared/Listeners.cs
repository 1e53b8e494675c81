using System.Diagnostics;
using Npgsql;

namespace Webhooks.Tests.Shared;

/// <summary>
/// The connections on which dispatchers listen for hints. A dispatcher that begins to listen has every stream that it sends taken anew, for it may have missed
/// something: a test that counts on what is under way at a time waits until that is over.
/// </summary>
internal static class Listeners
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<HashSet<int>> ReadAsync(string connectionString)
    {
        await using var connection = await OpenAsync(connectionString);
        return await ReadAsync(connection);
    }

    /// <summary>Waits for one that was not there before; not without end, for a test may forbid it to come.</summary>
    public static async Task WaitForNewAsync(string connectionString, HashSet<int> before)
    {
        await using var connection = await OpenAsync(connectionString);
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < Patience; await Task.Delay(5))
            if ((await ReadAsync(connection)).Except(before).Any()) return;
    }

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<HashSet<int>> ReadAsync(NpgsqlConnection connection)
    {
        var listeners = new HashSet<int>();
        await using var command = new NpgsqlCommand("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %' AND state = 'idle'", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) listeners.Add(reader.GetInt32(0));
        return listeners;
    }
}
