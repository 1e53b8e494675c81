using System.Diagnostics;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Throughput;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Naive;

/// <summary>
/// The job table that many platforms begin with: one row per message, and workers that each claim one, post it, and mark it done, one by one. No
/// order, no attempts. Either the row stays locked while it is posted, which is one commit a message and the fastest form of it; or the claim
/// is committed first, so that no transaction is open while somebody else's server is called.
/// </summary>
internal static class NaiveJobTable
{
    /// <summary>The best of 8, 16, 32, 64 and 128.</summary>
    public const int Workers = 32;

    private const int MessagesInInsert = 500;

    private const string Schema =
        """
        CREATE TABLE message (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, endpoint integer NOT NULL, event_id text NOT NULL, body bytea NOT NULL, state smallint NOT NULL DEFAULT 0);
        CREATE INDEX message_open ON message (id) WHERE state = 0;
        """;

    private const string Insert = "INSERT INTO message (endpoint, event_id, body) SELECT * FROM unnest($1::integer[], $2::text[], $3::bytea[])";

    private const string Lock = "SELECT id, endpoint, event_id, body FROM message WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";

    private const string Claim =
        """
        UPDATE message SET state = 1 WHERE id = (SELECT id FROM message WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, endpoint, event_id, body
        """;

    private const string Done = "UPDATE message SET state = 2 WHERE id = $1";

    /// <summary>Enqueues and works at once, and ends when all are done.</summary>
    public static async Task<NaiveFigures> RunAsync(BenchServer server, SinkProcess sink, int workers, bool committedClaim, int endpoints, int events, CancellationToken cancel)
    {
        var connectionString = new NpgsqlConnectionStringBuilder(await server.CreateDatabaseAsync(cancel)) { MaxPoolSize = workers + 2, MaxAutoPrepare = 20, AutoPrepareMinUsages = 2 };
        await using var data = NpgsqlDataSource.Create(connectionString);
        await using (var create = data.CreateCommand(Schema)) await create.ExecuteNonQueryAsync(cancel);
        var urls = sink.Urls(endpoints);
        await sink.ResetAsync(endpoints, events, cancel);
        using var poster = new SignedPoster();
        var enqueued = false;

        var cpuBefore = Cpu();
        var began = Stopwatch.GetTimestamp();
        var working = Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync, cancel)).ToArray();
        await EnqueueAsync();
        Volatile.Write(ref enqueued, true);
        await Task.WhenAll(working);
        var elapsed = Stopwatch.GetElapsedTime(began);
        var cpu = Cpu() - cpuBefore;

        await using var count = data.CreateCommand("SELECT count(*) FROM message WHERE state = 2");
        return new NaiveFigures(events, elapsed, (long)(await count.ExecuteScalarAsync(cancel))!, await sink.CountAsync(cancel), cpu);

        CpuUse Cpu() => CpuUse.Read(Environment.ProcessId, server.Postgres.ProcessId, sink.ProcessId);

        async Task EnqueueAsync()
        {
            for (var first = 0; first < events; first += MessagesInInsert)
            {
                var numbers = Enumerable.Range(first, Math.Min(MessagesInInsert, events - first)).ToArray();
                var ids = Array.ConvertAll(numbers, _ => WebhookEventId.New().Value);
                await using var insert = data.CreateCommand(Insert);
                insert.Parameters.Add(new NpgsqlParameter { Value = Array.ConvertAll(numbers, n => n % endpoints) });
                insert.Parameters.Add(new NpgsqlParameter { Value = ids });
                insert.Parameters.Add(new NpgsqlParameter
                {
                    Value = Array.ConvertAll(numbers, n => Payload.Envelope(ids[n - first], $"ep_{n % endpoints}", (n / endpoints) + 1, n)),
                });
                await insert.ExecuteNonQueryAsync(cancel);
            }
        }

        async Task WorkAsync()
        {
            await using var connection = await data.OpenConnectionAsync(cancel);
            while (true)
            {
                // Asked before the look, so that what was enqueued last is not missed.
                var wasAll = Volatile.Read(ref enqueued);
                if (await DeliverOneAsync(connection)) continue;
                if (wasAll) return;
                await Task.Delay(5, cancel);
            }
        }

        async Task<bool> DeliverOneAsync(NpgsqlConnection connection)
        {
            await using var transaction = committedClaim ? null : await connection.BeginTransactionAsync(cancel);
            await using var claim = new NpgsqlCommand(committedClaim ? Claim : Lock, connection, transaction);
            (long Id, int Endpoint, string EventId, byte[] Body) message;
            await using (var reader = await claim.ExecuteReaderAsync(cancel))
            {
                if (!await reader.ReadAsync(cancel)) return false;
                message = (reader.GetInt64(0), reader.GetInt32(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3));
            }

            await poster.PostAsync(urls[message.Endpoint], message.EventId, message.Body, cancel);
            await using var done = new NpgsqlCommand(Done, connection, transaction) { Parameters = { new() { Value = message.Id } } };
            await done.ExecuteNonQueryAsync(cancel);
            if (transaction is not null) await transaction.CommitAsync(cancel);
            return true;
        }
    }
}

/// <summary>What a run of the job table gave.</summary>
internal sealed record NaiveFigures(int Events, TimeSpan Elapsed, long Done, SinkCounts Sink, CpuUse Cpu)
{
    public double PerSecond => Events / Elapsed.TotalSeconds;

    public bool IsBalanced => Done == Events && Sink.IsComplete(Events);
}
