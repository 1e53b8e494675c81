using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Retention;

/// <summary>Raises the floors of streams, a few streams at a time, and gives notice before that takes something away.</summary>
internal sealed class Floors(WebhookDatabase database, Wake wake, EndpointTallies tallies)
{
    private const int StreamsAtATime = 500;

    /// <summary>A bucket that has an event of this period or an earlier one which is not numbered; null when none has.</summary>
    public async Task<short?> FindUnsequencedAsync(NpgsqlConnection connection, int period, CancellationToken cancel)
    {
        for (short bucket = 0; bucket < WebhookApplications.Buckets; bucket++)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            // Also waits for the batch that is under way, which may have read what was in force before: what it writes is seen by the statements that follow.
            await using (var hold = database.Command(connection, "Delivery/lock_buckets", new[] { bucket })) await hold.ExecuteNonQueryAsync(cancel);
            await using var find = database.Command(connection, "Retention/find_unsequenced", bucket, (long)(period + 1) << Period.PositionBits);
            if ((bool)(await find.ExecuteScalarAsync(cancel))!) return bucket;
        }

        return null;
    }

    /// <summary>Raises every floor so far that nothing of this period or an earlier one is kept above it.</summary>
    public async Task RaiseAboveAsync(NpgsqlConnection connection, int period, CancellationToken cancel)
    {
        var after = 0L;
        while (true)
        {
            var endpoints = new List<long>();
            var floors = new List<long>();
            var looked = 0;
            await using (var command = database.Command(connection, "Retention/find_floors", after, StreamsAtATime, period))
            await using (var reader = await command.ExecuteReaderAsync(cancel))
            {
                for (; await reader.ReadAsync(cancel); looked++)
                {
                    after = reader.GetInt64(0);
                    if (reader.IsDBNull(1)) continue;
                    endpoints.Add(after);
                    floors.Add(reader.GetInt64(1));
                }
            }

            if (endpoints.Count > 0) await RaiseAsync(connection, [.. endpoints], [.. floors], cancel);
            if (looked < StreamsAtATime) return;
        }
    }

    /// <summary>Raises floors; what lies between a cursor and the new floor ends as expired.</summary>
    public async Task RaiseAsync(NpgsqlConnection connection, long[] endpoints, long[] floors, CancellationToken cancel)
    {
        var touched = new List<(long Endpoint, long Expired, long Delivered)>();
        await using (var transaction = await connection.BeginTransactionAsync(cancel))
        {
            await using (var hold = database.Command(connection, "Retention/lock_states", endpoints)) await hold.ExecuteNonQueryAsync(cancel);
            await using (var command = database.Command(connection, "Retention/raise_floors", endpoints, floors))
            await using (var reader = await command.ExecuteReaderAsync(cancel))
                while (await reader.ReadAsync(cancel)) touched.Add((reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)));
            await transaction.CommitAsync(cancel);
        }

        // Whoever sends by the old cursor stops now; without the hint, at its next renewal.
        foreach (var (endpoint, expired, delivered) in touched)
        {
            tallies.Settled(endpoint, "expired", expired);
            tallies.Settled(endpoint, "delivered", delivered);
            await wake.EndpointAsync(endpoint, cancel);
        }
    }

    /// <summary>Says which endpoints' held events are close to their end, once for each pause and mark.</summary>
    /// <returns>How many.</returns>
    public async Task<int> WarnAsync(NpgsqlConnection connection, DateTimeOffset now, TimeSpan keep, CancellationToken cancel)
    {
        var warned = 0L;
        var after = 0L;
        while (true)
        {
            await using var command = database.Command(connection, "Retention/warn_expiring", after, StreamsAtATime, now.ToUniversalTime(), keep);
            await using var reader = await command.ExecuteReaderAsync(cancel);
            await reader.ReadAsync(cancel);
            var looked = reader.GetInt64(1);
            warned += reader.GetInt64(2);
            if (looked < StreamsAtATime) return (int)warned;
            after = reader.GetInt64(0);
        }
    }
}
