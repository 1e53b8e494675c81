using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Retention;

/// <summary>
/// Takes the partitions of a period off and drops them, without a lock that keeps anybody from reading or writing the tables. Such statements cannot run inside a
/// transaction, nor take parameters: hence no query files.
/// </summary>
internal sealed class Partitions(WebhookDatabase database)
{
    // Deliveries first: what points to events goes before the events.
    private static readonly (string Table, string Partitions)[] Tables =
        [("delivery_run", "delivery"), ("event", "event"), ("event_verdict", "event_verdict"), ("settlement", "settlement"), ("attempt", "attempt")];

    /// <summary>Drops what is left of a period. When it is broken off, the next call goes on where it stood.</summary>
    public async Task DropAsync(NpgsqlConnection connection, int period, CancellationToken cancel)
    {
        foreach (var (table, partitions) in Tables)
        {
            var parent = database.WithSchema($"webhooks.{table}");
            var partition = database.WithSchema($"webhooks.{partitions}_p{period}");
            if (await ReadStateAsync(connection, partition, cancel) is not { } state) continue;
            // The first transaction of it marks the partition, which new statements then leave out; then it waits for those that know it. Where
            // that was broken off, the rest is done by FINALIZE.
            if (state.IsPending) await ExecuteAsync(connection, $"ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE", cancel);
            else if (state.IsAttached) await ExecuteAsync(connection, $"ALTER TABLE {parent} DETACH PARTITION {partition} CONCURRENTLY", cancel);
            await ExecuteAsync(connection, $"DROP TABLE {partition}", cancel);
        }
    }

    private async Task<(bool IsAttached, bool IsPending)?> ReadStateAsync(NpgsqlConnection connection, string partition, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Retention/partition_state", partition);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? (reader.GetBoolean(0), reader.GetBoolean(1)) : null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
