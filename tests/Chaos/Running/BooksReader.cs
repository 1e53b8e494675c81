using Microsoft.Data.Sqlite;
using Npgsql;
using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Faults;
using Webhooks.Chaos.Judging;

namespace Webhooks.Chaos.Running;

/// <summary>Reads the books where they lie: the platform's and the dispatcher's tables, the receivers' tables, and the logs of the wire.</summary>
internal sealed class BooksReader(Stage stage)
{
    public async Task<Books> ReadAsync(IReadOnlyList<Incident> incidents)
    {
        await using var connection = await stage.Data.OpenConnectionAsync();
        var published = await RowsAsync(
            connection, "SELECT event_id, application, type, lane, number, dedupe_key, sha256, began_at, pg_xact_commit_timestamp(xmin) FROM chaos.published",
            row => new PublishedRow(
                row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt32(4), row.IsDBNull(5) ? null : row.GetString(5), row.GetString(6),
                row.GetDateTime(7), row.GetDateTime(8)));
        var duplicates = await RowsAsync(
            connection, "SELECT e.id FROM webhooks.event_verdict v JOIN webhooks.event e USING (bucket, position) WHERE v.verdict = 'duplicate'", row => EventId(row.GetGuid(0)));
        var endpoints = new List<EndpointBooks>();
        foreach (var slot in stage.Slots.Where(slot => slot.Id is not null)) endpoints.Add(await ReadAsync(connection, slot));
        return new Books
        {
            Published = published, Duplicates = duplicates.ToHashSet(), Endpoints = endpoints, Incidents = incidents,
            Crashes = [.. stage.Actors.Values.SelectMany(actors => actors).Where(actor => actor.HasCrashed).Select(actor => actor.Name)],
            RolledBack = Business.RolledBack(stage.PublisherFolder).ToHashSet(),
        };
    }

    private async Task<EndpointBooks> ReadAsync(NpgsqlConnection connection, Slot slot)
    {
        var deliveries = await OfAsync(
            connection, slot, "SELECT d.seq, v.id FROM webhooks.delivery d JOIN webhooks.event v USING (bucket, position) WHERE d.endpoint = $1 ORDER BY d.seq",
            row => new DeliveryRow(row.GetInt64(0), EventId(row.GetGuid(1))));
        var settlements = await OfAsync(
            connection, slot, "SELECT first_seq, last_seq, outcome, settled_at FROM webhooks.settlement WHERE endpoint = $1 ORDER BY settlement",
            row => new SettlementRow(row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.GetDateTime(3)));
        var states = await OfAsync(
            connection, slot,
            """
            SELECT status, lease_owner::text, coalesce((SELECT max(seq) FROM webhooks.delivery d WHERE d.endpoint = s.endpoint), 0),
                   coalesce((SELECT cursor FROM webhooks.settlement x WHERE x.endpoint = s.endpoint ORDER BY settlement DESC LIMIT 1), 0)
            FROM webhooks.delivery_state s WHERE endpoint = $1
            """,
            row => new StateRow(row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetInt64(2), row.GetInt64(3)));
        return new EndpointBooks
        {
            Source = slot.Source, Id = slot.Id!.Value.Value, Application = slot.Application.Value, Ordering = slot.Ordering, Matched = [.. slot.Matched],
            Deliveries = deliveries, Settlements = settlements, State = states.Single(),
            Attempts = await OfAsync(
                connection, slot, "SELECT seq, started_at FROM webhooks.attempt WHERE endpoint = $1", row => new AttemptRow(row.GetInt64(0), row.GetDateTime(1))),
            Changes = await OfAsync(
                connection, slot, "SELECT at, type, actor FROM webhooks.operational_event WHERE endpoint = $1",
                row => new Incident(row.GetDateTime(0), row.GetDateTime(0), $"{row.GetString(1)} by the {row.GetString(2)}")),
            Effects = Effects(slot), Wire = WireLog.Read(ReceiverApp.WirePath(stage.FolderOf(slot), slot.Source)),
        };
    }

    private List<EffectRow> Effects(Slot slot)
    {
        using var connection = new SqliteConnection($"Data Source={ReceiverApp.BusinessPath(stage.FolderOf(slot))};Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT seq, event_id, sha256 FROM effect WHERE source = $source ORDER BY number";
        command.Parameters.AddWithValue("$source", slot.Source);
        using var reader = command.ExecuteReader();
        var effects = new List<EffectRow>();
        while (reader.Read()) effects.Add(new EffectRow(reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        return effects;
    }

    private static Task<List<T>> OfAsync<T>(NpgsqlConnection connection, Slot slot, string sql, Func<NpgsqlDataReader, T> read) =>
        RowsAsync(connection, sql.Replace("$1", "(SELECT e.endpoint FROM webhooks.endpoint e WHERE e.id = $1)", StringComparison.Ordinal), read, slot.Id!.Value.Value);

    private static async Task<List<T>> RowsAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync()) rows.Add(read(reader));
        return rows;
    }

    private static string EventId(Guid id) => $"evt_{id:N}";
}
