using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Growth;

/// <summary>
/// Writes events into the tables as they are after they were published, numbered and delivered: the event, a row of numbers and a settlement for every
/// 20 of a stream, the bucket's mark and its sequence. Needs endpoints of which each is its application's only one, put in force, and nobody at work.
/// </summary>
internal static class DeliveredHistory
{
    private const int Chunk = 500_000;
    private const int Run = 20;

    public static async Task LoadAsync(BenchPlatform platform, int events, int endpoints, CancellationToken cancel)
    {
        if (await platform.CountAsync("SELECT (SELECT count(*) FROM webhooks.event) + (SELECT count(*) FROM webhooks.delivery)", cancel) > 0
            || await platform.CountAsync(GapsSql, cancel) > 0)
            throw new InvalidOperationException("History can only be loaded where nothing was published and no gap is open.");
        await platform.ExecuteAsync(PlacesSql, cancel);
        for (var first = 0; first < events; first += Chunk)
        {
            var last = Math.Min(events, first + Chunk) - 1;
            await ExecuteAsync(EventsSql);
            await ExecuteAsync(DeliveriesSql);
            await ExecuteAsync(SettlementsSql);
            Report.Progress($"  {last + 1} of {events}");

            async Task ExecuteAsync(string sql)
            {
                await using var command = platform.Data.CreateCommand(sql);
                command.CommandTimeout = 0;
                foreach (var value in new[] { first, last, endpoints }) command.Parameters.Add(new NpgsqlParameter { Value = value });
                if (sql != EventsSql) command.Parameters.Add(new NpgsqlParameter { Value = Run });
                if (sql == SettlementsSql) command.Parameters.Add(new NpgsqlParameter { Value = events });
                await command.ExecuteNonQueryAsync(cancel);
            }
        }

        await platform.ExecuteAsync(MarksSql, cancel);
        await platform.ExecuteAsync("DROP TABLE place", cancel);
        // As autovacuum would have left it.
        foreach (var table in new[] { "event", "delivery_run", "settlement", "sequencer_batch", "stream", "delivery_state", "endpoint" })
            await platform.ExecuteAsync($"VACUUM (ANALYZE) webhooks.{table}", cancel);
        await platform.ExecuteAsync("CHECKPOINT", cancel);
    }

    private const string GapsSql =
        """
        SELECT count(*) FROM webhooks.bucket b
        CROSS JOIN LATERAL (SELECT gap_first FROM webhooks.sequencer_batch s WHERE s.bucket = b.bucket ORDER BY s.batch DESC LIMIT 1) s
        WHERE cardinality(s.gap_first) > 0
        """;

    // Event n goes to the endpoint at place n % endpoints. A bucket's events then come in rounds, one of each of its endpoints.
    private const string PlacesSql =
        """
        CREATE TABLE place AS
        SELECT e.endpoint, e.application, e.bucket, row_number() OVER (ORDER BY e.endpoint) - 1 AS place,
               row_number() OVER (PARTITION BY e.bucket ORDER BY e.endpoint) AS turn, count(*) OVER (PARTITION BY e.bucket) AS turns,
               (SELECT s.mark FROM webhooks.sequencer_batch s WHERE s.bucket = e.bucket ORDER BY s.batch DESC LIMIT 1) AS mark
        FROM webhooks.endpoint e
        """;

    // $1 the first event, $2 the last, $3 endpoints. 200 bytes of data.
    private const string EventsSql =
        """
        INSERT INTO webhooks.event (bucket, position, application, id, type, data)
        SELECT p.bucket, p.mark + n / $3 * p.turns + p.turn, p.application, gen_random_uuid(), 'order.paid',
               convert_to('{"n":' || n || ',"text":"' || rpad('', 185 - length(n::text), 'abcdefghij') || '"}', 'UTF8')
        FROM generate_series($1::int, $2::int) n JOIN place p ON p.place = n % $3
        ORDER BY n
        """;

    // A run ends at every $4th number of a stream, as its settlement does, and at its last.
    private const string DeliveriesSql =
        """
        INSERT INTO webhooks.delivery_run (endpoint, seq, position, bucket, count, following)
        SELECT p.endpoint, min(n / $3) + 1, min(p.mark + n / $3 * p.turns + p.turn), p.bucket, count(*),
               CASE WHEN count(*) > 1 THEN (array_agg(p.mark + n / $3 * p.turns + p.turn ORDER BY n))[2:] END
        FROM generate_series($1::int, $2::int) n JOIN place p ON p.place = n % $3
        GROUP BY p.endpoint, p.bucket, n / $3 / $4
        ORDER BY min(n)
        """;

    // A run ends at every $4th number of a stream, and at its last. $5 events in all
    private const string SettlementsSql =
        """
        INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor)
        SELECT p.bucket, p.endpoint, (n / $3) / $4 * $4 + 1, n / $3 + 1, 'delivered', n / $3 + 1
        FROM generate_series($1::int, $2::int) n JOIN place p ON p.place = n % $3
        WHERE (n / $3 + 1) % $4 = 0 OR n + $3 >= $5
        ORDER BY n
        """;

    private const string MarksSql =
        """
        WITH marks AS (
            SELECT e.bucket, max(e.position) AS mark FROM webhooks.bucket b
            CROSS JOIN LATERAL (SELECT x.bucket, x.position FROM webhooks.event x WHERE x.bucket = b.bucket ORDER BY x.position DESC LIMIT 1) e
            GROUP BY e.bucket
        ), moved AS (
            INSERT INTO webhooks.sequencer_batch (bucket, batch, mark)
            SELECT m.bucket, (SELECT max(s.batch) + 1 FROM webhooks.sequencer_batch s WHERE s.bucket = m.bucket), m.mark FROM marks m
        )
        SELECT setval(format('webhooks.position_%s', bucket)::regclass, mark) FROM marks
        """;
}
