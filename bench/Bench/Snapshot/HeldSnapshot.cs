using System.Data;
using Npgsql;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Snapshot;

/// <summary>A REPEATABLE READ transaction that has taken its snapshot and stays open, as a report or a forgotten session does.</summary>
internal sealed class HeldSnapshot(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    public static async Task<HeldSnapshot> OpenAsync(BenchPlatform platform, bool write, CancellationToken cancel)
    {
        await using (var create = platform.Data.CreateCommand("CREATE TABLE IF NOT EXISTS held (at timestamptz)")) await create.ExecuteNonQueryAsync(cancel);
        var connection = await platform.Data.OpenConnectionAsync(cancel);
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel);
        await using var command = new NpgsqlCommand(write ? "INSERT INTO held VALUES (now())" : "SELECT count(*) FROM held", connection, transaction);
        await command.ExecuteNonQueryAsync(cancel);
        return new HeldSnapshot(connection, transaction);
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.RollbackAsync();
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
