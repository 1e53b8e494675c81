using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>What a list of events is narrowed to.</summary>
internal sealed record EventFilter(string? Type, DateTimeOffset? Since, DateTimeOffset? Until)
{
    /// <summary>
    /// By how much the time in an id may differ from the time of publishing: the one is the publisher's clock, the other the database's. Nodes report a greater difference than half of it.
    /// </summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    public Guid? Lowest => Since is { } since ? EventCursor.FirstAt(since - Slack) : null;

    public Guid? Beyond => Until is { } until ? EventCursor.FirstAt(until + Slack) : null;

    /// <summary>Whether nothing older than this can fit any more.</summary>
    public bool IsBefore(DateTimeOffset publishedAt) => publishedAt < Since - Slack;
}

/// <summary>Reads published events.</summary>
internal sealed class EventReader(WebhookDatabase database)
{
    /// <summary>At so many events a page looks at most to find those that fit; then it says where it stopped.</summary>
    public const int MostLookedAt = 2_000;

    /// <summary>At so many endpoints of the application it is looked for the event.</summary>
    public const int MostStreams = 250;

    public async Task<ApiList<ListedEvent>> ListAsync(ApiCaller caller, WebhookApplicationId application, EventCursor cursor, EventFilter filter, int limit, CancellationToken cancel)
    {
        await using var command = database.Command(
            cursor.Back ? "Api/Events/list_newer_events" : "Api/Events/list_events", application.Value, caller.Organization, caller.Application, caller.Endpoint,
            filter.Lowest, filter.Beyond, cursor.Position, MostLookedAt, filter.Type, filter.Since?.UtcDateTime, filter.Until?.UtcDateTime, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        if (!reader.GetBoolean(0)) throw ApplicationGate.Missing();
        var lookedAt = reader.GetInt64(1);
        long? reached = reader.IsDBNull(2) ? null : reader.GetInt64(2);
        var ended = lookedAt < MostLookedAt || (!cursor.Back && filter.IsBefore(reader.GetFieldValue<DateTimeOffset>(5)));
        var found = new List<(long, ListedEvent)>();
        while (await reader.ReadAsync(cancel))
        {
            found.Add((reader.GetInt64(2), new ListedEvent(
                new WebhookEventId(reader.GetGuid(3)).Value, reader.GetString(4), reader.GetFieldValue<DateTimeOffset>(5), Text(reader, 6), reader.GetInt32(7),
                reader.GetInt32(7) == 0, Text(reader, 8))));
        }

        return cursor.Page(found, limit, reached, ended);
    }

    /// <exception cref="ApiException">There is no such event, or it is no longer kept, or the key may not see it.</exception>
    public async Task<EventAnswer> ReadAsync(ApiCaller caller, WebhookApplicationId application, WebhookEventId id, CancellationToken cancel)
    {
        await using var connection = await database.OpenAsync(cancel);
        EventAnswer answer;
        (short Bucket, long Position, long Application) place;
        await using (var command = database.Command(
            connection, "Api/Events/read_event", application.Value, caller.Organization, caller.Application, caller.Endpoint, id.Guid))
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            if (!await reader.ReadAsync(cancel)) throw Missing();
            place = (reader.GetInt16(0), reader.GetInt64(1), reader.GetInt64(2));
            var data = reader.GetFieldValue<byte[]>(6);
            answer = new EventAnswer(
                id.Value, reader.GetString(3), reader.GetFieldValue<DateTimeOffset>(4), Text(reader, 5), data.Length == 0, Text(reader, 7),
                reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8), Text(reader, 9) ?? "pending",
                reader.IsDBNull(10) ? null : new WebhookEventId(reader.GetGuid(10)).Value, Text(reader, 11), [], false, data.Length == 0 ? null : data);
        }

        // What has a verdict is in no stream.
        if (answer.Status != "pending") return answer;
        var (endpoints, seqs, more) = await PlacesAsync(connection, place.Bucket, place.Position, place.Application, cancel);
        if (endpoints.Count == 0) return answer with { MoreStreams = more };
        return answer with { Status = "in_streams", Streams = await StandingsAsync(connection, place.Bucket, endpoints, seqs, cancel), MoreStreams = more };
    }

    public static ApiException Missing() => new(ApiProblem.NotFound, "There is no such event, or it is no longer kept.");

    private async Task<(List<long> Endpoints, List<long> Seqs, bool More)> PlacesAsync(NpgsqlConnection connection, short bucket, long position, long application, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Api/Events/find_places", bucket, position, application, MostStreams + 1);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var (endpoints, seqs, more) = (new List<long>(), new List<long>(), false);
        while (await reader.ReadAsync(cancel))
        {
            more |= reader.GetInt64(2) > MostStreams;
            if (reader.IsDBNull(1) || reader.GetInt64(2) > MostStreams) continue;
            endpoints.Add(reader.GetInt64(0));
            seqs.Add(reader.GetInt64(1));
        }

        return (endpoints, seqs, more);
    }

    private async Task<List<EventStream>> StandingsAsync(NpgsqlConnection connection, short bucket, List<long> endpoints, List<long> seqs, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Api/Events/read_standings", bucket, endpoints.ToArray(), seqs.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var streams = new List<EventStream>();
        while (await reader.ReadAsync(cancel))
        {
            var (status, settled) = EventStanding.Of(
                isDeferred: reader.GetBoolean(2), outcome: Text(reader, 3), isPassed: reader.GetBoolean(5), isAhead: reader.GetBoolean(6), endpoint: reader.GetString(7));
            streams.Add(new EventStream(
                reader.GetString(0), reader.GetInt64(1), status, settled, !settled || reader.IsDBNull(4) ? null : reader.GetFieldValue<DateTimeOffset>(4)));
        }

        return streams;
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}

/// <summary>What became of an event in a stream; pure.</summary>
internal static class EventStanding
{
    private const string Deferred = "deferred";

    /// <param name="isDeferred">Whether it is being retried beside the stream.</param>
    /// <param name="outcome">What it was settled with, or that it was deferred; null when that is not known or has not come about.</param>
    /// <param name="isPassed">Whether the cursor has passed it.</param>
    /// <param name="isAhead">Whether it was accepted before the cursor came to it.</param>
    /// <param name="endpoint">The endpoint's status.</param>
    public static (string Status, bool Settled) Of(bool isDeferred, string? outcome, bool isPassed, bool isAhead, string endpoint) =>
        isDeferred ? (Deferred, false)
        : outcome is not null and not Deferred ? (outcome, true)
        // Its retries have ended, so long after the cursor had passed it that nobody looks for how.
        : outcome is Deferred || isPassed ? ("settled", true)
        : isAhead ? ("delivered", true)
        : endpoint switch
        {
            "paused" => ("held", false),
            "deleted" => ("endpoint_deleted", true),
            _ => ("pending", false),
        };
}
