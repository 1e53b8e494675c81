using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Setup;

/// <summary>
/// Endpoints by the thousand in one statement, which writes what creating them one by one would: it is <c>Endpoints/create.sql</c> for many. All have
/// the secret of a model, so that nothing has to be encrypted for each; the sequencer puts each in force by its marker, as any.
/// </summary>
internal static class BulkEndpoints
{
    /// <summary>Adds endpoints number <paramref name="first"/> and on, to the applications in turn, at <paramref name="urlPrefix"/> and their number.</summary>
    public static async Task AddAsync(
        BenchPlatform platform, WebhookEndpointId model, IReadOnlyList<WebhookApplicationId> applications, string urlPrefix, int first, int count, CancellationToken cancel)
    {
        await using var command = platform.Data.CreateCommand(Sql);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter { Value = model.Value });
        command.Parameters.Add(new NpgsqlParameter { Value = applications.Select(application => application.Value).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = urlPrefix });
        command.Parameters.Add(new NpgsqlParameter { Value = first });
        command.Parameters.Add(new NpgsqlParameter { Value = count });
        await command.ExecuteNonQueryAsync(cancel);
    }

    private const string Sql =
        """
        WITH model AS (
            SELECT s.ciphertext FROM webhooks.endpoint e JOIN webhooks.endpoint_secret s ON s.endpoint = e.endpoint
            WHERE e.id = $1 ORDER BY s.secret DESC LIMIT 1
        ), given AS (
            SELECT n, a.application, a.bucket
            FROM unnest($2::text[]) WITH ORDINALITY AS u(id, place)
            JOIN webhooks.application a ON a.id = u.id
            JOIN generate_series($4::int, $4::int + $5::int - 1) n ON n % cardinality($2::text[]) = u.place - 1
        ), created AS (
            INSERT INTO webhooks.endpoint (id, application, bucket, url, event_types)
            SELECT 'ep_' || replace(gen_random_uuid()::text, '-', ''), application, bucket, $3 || n, '{**}' FROM given ORDER BY n
            RETURNING endpoint, application, bucket, event_types
        ), secret AS (
            INSERT INTO webhooks.endpoint_secret (endpoint, ciphertext) SELECT endpoint, ciphertext FROM created CROSS JOIN model
        ), stream AS (
            INSERT INTO webhooks.stream (endpoint, bucket, application) SELECT endpoint, bucket, application FROM created
        ), state AS (
            INSERT INTO webhooks.delivery_state (endpoint, bucket) SELECT endpoint, bucket FROM created
        ), audit AS (
            INSERT INTO webhooks.operational_event (type, endpoint, actor) SELECT 'endpoint.created', endpoint, 'operator' FROM created
        )
        INSERT INTO webhooks.endpoint_change (bucket, position, endpoint, application, event_types)
        SELECT bucket, webhooks.next_position(bucket), endpoint, application, event_types FROM created
        """;
}
