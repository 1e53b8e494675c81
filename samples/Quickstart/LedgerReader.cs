using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Receiver;

namespace Webhooks.Quickstart;

/// <summary>Counts what is in the tables of both sides, and compares it with what was published.</summary>
internal static class LedgerReader
{
    public static async Task<Ledger> ReadAsync(NpgsqlDataSource data, Shop shop, List<Effect> effects, StreamStatus stream, InboxCounts counts)
    {
        var published = shop.Published.ToDictionary(one => one.EventId);
        var rolledBack = shop.RolledBack.ToHashSet();
        return new Ledger
        {
            Published = await CountAsync(data, "SELECT count(*) FROM shop_order"),
            Sequenced = await CountAsync(data, "SELECT count(*) FROM webhooks.delivery WHERE seq BETWEEN 1 AND (SELECT count(*) FROM webhooks.delivery)"),
            Delivered = counts.Received,
            Backfilled = counts.Backfilled,
            DuplicatesRefused = counts.Duplicates,
            Processed = effects.Select(effect => effect.EventId).Distinct().LongCount(published.ContainsKey),
            ProcessedTwice = effects.Count - effects.Select(effect => effect.EventId).Distinct().Count(),
            OutOfOrder = OutOfOrder(effects, published),
            Altered = effects.LongCount(effect => !published.TryGetValue(effect.EventId, out var one) || one.Sha256 != effect.Sha256),
            RolledBack = rolledBack.Count,
            RolledBackSeen = effects.LongCount(effect => rolledBack.Contains(effect.EventId)),
            Pauses = await PausesAsync(data),
            Cursor = stream.Cursor,
            Status = stream.Status.ToString().ToLowerInvariant(),
            LostOnTheWay = 0,
            GapsClosed = 0,
            Rotations = 0,
            Rejected = 0,
            Seconds = 0,
        };
    }

    /// <summary>Effects whose number does not follow the one before, or that overtook an earlier event of the same publisher.</summary>
    private static long OutOfOrder(List<Effect> effects, Dictionary<string, PublishedEvent> published)
    {
        var wrong = 0;
        var last = new Dictionary<int, int>();
        for (var i = 0; i < effects.Count; i++)
        {
            var follows = effects[i].Seq == i + 1;
            if (published.TryGetValue(effects[i].EventId, out var one))
            {
                follows &= one.Number == last.GetValueOrDefault(one.Publisher, -1) + 1;
                last[one.Publisher] = one.Number;
            }

            if (!follows) wrong++;
        }

        return wrong;
    }

    private static async Task<List<PauseEntry>> PausesAsync(NpgsqlDataSource data)
    {
        var pauses = new List<PauseEntry>();
        await using var command = data.CreateCommand(
            "SELECT type, actor, data->>'reason', data->>'evidence' FROM webhooks.operational_event WHERE type IN ('endpoint.paused', 'endpoint.resumed') ORDER BY operational_event");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            if (reader.GetString(0) == "endpoint.paused") pauses.Add(new PauseEntry(reader.GetString(2), reader.GetString(3), null));
            else if (pauses.Count > 0) pauses[^1] = pauses[^1] with { ResumedBy = reader.GetString(1) };
        }

        return pauses;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource data, string sql)
    {
        await using var command = data.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
