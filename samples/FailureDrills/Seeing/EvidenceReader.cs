using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Staging;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>Reads both sides: the stub's journal, the dispatcher's tables, the receiver's.</summary>
internal static class EvidenceReader
{
    public static async Task<Evidence> ReadAsync(Stage stage, Look look)
    {
        var endpoints = new List<EndpointEvidence>();
        foreach (var target in stage.Targets)
        {
            var one = new EndpointEvidence(target);
            if (look.HasFlag(Look.Platform)) one = await ReadPlatformAsync(stage, one);
            if (look.HasFlag(Look.Stub)) one = one with { Requests = await target.Stub.JournalAsync(CancellationToken.None) };
            endpoints.Add(one);
        }

        var evidence = new Evidence(stage) { Endpoints = endpoints, Counters = stage.Counters.Snapshot() };
        if (look.HasFlag(Look.Platform)) evidence = evidence with { Changes = await ChangesAsync(stage.Data, null) };
        if (look.HasFlag(Look.Receiver) && stage.Receiver is { } receiver)
        {
            evidence = evidence with
            {
                Effects = receiver.ReadEffects(), Inbox = receiver.IsRunning ? await receiver.Status.GetAsync(CustomerReceiver.Source) : null,
            };
        }

        return evidence;
    }

    private static async Task<EndpointEvidence> ReadPlatformAsync(Stage stage, EndpointEvidence one)
    {
        var id = one.Target.Id.Value;
        StreamStatus? stream;
        try
        {
            stream = await stage.Platform.Endpoints.GetStreamAsync(one.Target.Id);
        }
        catch (WebhookNotFoundException)
        {
            // Deleted: its rows are still there.
            stream = null;
        }

        return one with
        {
            Stream = stream,
            DueIn = (await ListAsync(stage.Data, """
                SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM webhooks.delivery_state
                WHERE endpoint = (SELECT endpoint FROM webhooks.endpoint WHERE id = $1)
                """, id, row => row.IsDBNull(0) ? (double?)null : row.GetDouble(0))).SingleOrDefault(),
            Attempts = await ListAsync(stage.Data, """
                SELECT seq, number, started_at, duration_ms, outcome, status_code, detail FROM webhooks.attempt
                WHERE endpoint = (SELECT endpoint FROM webhooks.endpoint WHERE id = $1) ORDER BY started_at, attempt
                """, id, row => new AttemptSeen(
                    row.GetInt64(0), row.GetInt32(1), row.GetFieldValue<DateTimeOffset>(2), row.GetInt32(3), row.GetString(4),
                    row.IsDBNull(5) ? null : row.GetInt32(5), row.GetString(6))),
            Settlements = await ListAsync(stage.Data, """
                SELECT first_seq, last_seq, outcome, cursor, ahead, settled_at FROM webhooks.settlement
                WHERE endpoint = (SELECT endpoint FROM webhooks.endpoint WHERE id = $1) ORDER BY settlement
                """, id, row => new SettlementSeen(
                    row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.GetInt64(3), row.GetFieldValue<long[]>(4), row.GetFieldValue<DateTimeOffset>(5))),
            Changes = await ChangesAsync(stage.Data, id),
        };
    }

    private static Task<List<OperationalSeen>> ChangesAsync(NpgsqlDataSource data, string? endpoint) => ListAsync(data, """
        SELECT type, actor, data::text, at FROM webhooks.operational_event
        WHERE endpoint IS NOT DISTINCT FROM (SELECT endpoint FROM webhooks.endpoint WHERE id = $1) ORDER BY operational_event
        """, endpoint, row => new OperationalSeen(row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3)));

    private static async Task<List<T>> ListAsync<T>(NpgsqlDataSource data, string sql, string? endpoint, Func<NpgsqlDataReader, T> read)
    {
        await using var command = data.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)endpoint ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync();
        var list = new List<T>();
        while (await reader.ReadAsync()) list.Add(read(reader));
        return list;
    }
}
