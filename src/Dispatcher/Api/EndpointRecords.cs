using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Secrets;

namespace Webhooks.Dispatcher.Api;

/// <summary>Finds the endpoints that a caller may see, and what is shown of them. In the call's transaction where it has one.</summary>
internal sealed class EndpointRecords(WebhookDatabase database, KeyRing keyRing)
{
    /// <summary>The application that the path names.</summary>
    /// <exception cref="ApiException">There is none that the caller may see.</exception>
    public async Task<long> SeeApplicationAsync(ApiCall call)
    {
        await using var command = Command(call, "Api/see_application", call.Path("application"), call.Caller.Organization, call.Caller.Application);
        return await command.ExecuteScalarAsync(call.Cancel) as long? ?? throw new ApiException(ApiProblem.NotFound, "There is no such application.");
    }

    /// <summary>The endpoint that the path names.</summary>
    /// <exception cref="ApiException">There is none that the caller may see, or it was deleted.</exception>
    public async Task<SeenEndpoint> SeeAsync(ApiCall call) => await SeeAnyAsync(call, call.Path("endpoint")) is { IsDeleted: false } seen ? seen : throw Missing();

    /// <summary>The same, even if it was deleted.</summary>
    public Task<SeenEndpoint> SeeAnyAsync(ApiCall call) => SeeAnyAsync(call, call.Path("endpoint"));

    /// <summary>One that the call made.</summary>
    public Task<SeenEndpoint> SeeNewAsync(ApiCall call, WebhookEndpointId id) => SeeAnyAsync(call, id.Value);

    /// <summary>What is shown of one.</summary>
    public async Task<EndpointAnswer> ReadAsync(ApiCall call, long endpoint) =>
        (await ReadAsync(call, [endpoint])).TryGetValue(endpoint, out var found) ? found : throw Missing();

    /// <summary>What is shown of several, by key.</summary>
    public async Task<Dictionary<long, EndpointAnswer>> ReadAsync(ApiCall call, IReadOnlyCollection<long> endpoints)
    {
        await using var command = Command(call, "Api/read_endpoints", endpoints.ToArray());
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new Dictionary<long, EndpointAnswer>();
        while (await reader.ReadAsync(call.Cancel)) found.Add(reader.GetInt64(0), Read(reader));
        return found;
    }

    private NpgsqlCommand Command(ApiCall call, string query, params ReadOnlySpan<object?> values) =>
        call.Route.Writes == ApiWrites.Nothing ? database.Command(query, values) : database.Command(call.Connection, query, values);

    private static ApiException Missing() => new(ApiProblem.NotFound, "There is no such endpoint.");

    private async Task<SeenEndpoint> SeeAnyAsync(ApiCall call, string id)
    {
        await using var command = Command(call, "Api/see_endpoint", id, call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        return await reader.ReadAsync(call.Cancel)
            ? new SeenEndpoint(WebhookEndpointId.Parse(id), reader.GetInt64(0), reader.GetInt64(1), reader.GetBoolean(2), reader.GetInt16(3))
            : throw Missing();
    }

    private EndpointAnswer Read(NpgsqlDataReader row)
    {
        var (ciphertexts, created, expiries) = (row.GetFieldValue<byte[][]>(19), row.GetFieldValue<DateTime[]>(20), row.GetFieldValue<DateTime[]>(21));
        return new EndpointAnswer
        {
            Id = row.GetString(1),
            Application = row.GetString(2),
            Url = row.GetString(3),
            EventTypes = row.GetFieldValue<string[]>(4),
            Description = row.GetString(5),
            FailureThreshold = row.GetInt32(6),
            Ordering = row.GetString(7),
            MaxInFlight = row.GetInt32(8),
            RateLimit = row.IsDBNull(9) ? null : row.GetInt32(9),
            Batch = row.IsDBNull(10) ? null : new BatchAnswer(row.GetInt32(10), (int)row.GetTimeSpan(11).TotalMilliseconds, row.GetInt32(12)),
            ReceiverAccess = row.GetString(13),
            Headers = row.GetFieldValue<string[]>(22),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(14),
            Status = row.GetString(15),
            Pause = row.IsDBNull(16) ? null : new PauseAnswer(row.GetString(16), row.IsDBNull(17) ? null : row.GetString(17), row.GetFieldValue<DateTimeOffset>(18)),
            // The driver reads an infinite timestamp as the greatest DateTime.
            Secrets = [.. ciphertexts.Select((ciphertext, i) => SecretAnswer.Of(
                keyRing.LookAt(ciphertext), created[i], expiries[i] == DateTime.MaxValue ? null : expiries[i]))],
        };
    }
}

/// <summary>An endpoint that the caller may see.</summary>
internal sealed record SeenEndpoint(WebhookEndpointId Id, long Key, long Application, bool IsDeleted, short Bucket);
