using Npgsql;
using Webhooks.Dispatcher.Endpoints;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>A row of <c>read_stream.sql</c>: where an endpoint's stream stands, with what only the dispatcher needs to know.</summary>
internal sealed record StreamRow(
    long Endpoint, short Bucket, StreamStatus Status, long FeedServed, ReceiverAccess Access, int ReceiverResumes,
    DateTimeOffset? ReceiverResumeFrom, DateTimeOffset Now)
{
    public static async Task<StreamRow?> ReadAsync(NpgsqlCommand command, WebhookEndpointId id, CancellationToken cancel)
    {
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? Read(reader, id) : null;
    }

    private static StreamRow Read(NpgsqlDataReader reader, WebhookEndpointId id) => new(
        reader.GetInt64(0), reader.GetInt16(1),
        new StreamStatus
        {
            Endpoint = id,
            Status = reader.GetString(2) switch { "active" => EndpointStatus.Active, "paused" => EndpointStatus.Paused, _ => EndpointStatus.Deleted },
            PauseReason = reader.IsDBNull(3)
                ? null
                : reader.GetString(3) switch { "gone" => PauseReason.Gone, "failing" => PauseReason.Failing, _ => PauseReason.Manual },
            PauseEvidence = reader.IsDBNull(4) ? null : reader.GetString(4),
            PausedAt = reader.IsDBNull(5) ? null : reader.GetFieldValue<DateTimeOffset>(5),
            Epoch = reader.GetInt32(7),
            EpochStart = reader.GetInt64(8),
            Floor = reader.GetInt64(9),
            Head = reader.GetInt64(10),
            Cursor = reader.GetInt64(11),
            ConsecutiveFailures = reader.GetInt32(12),
        },
        reader.GetInt64(13),
        EndpointWords.Access[reader.GetString(14)],
        reader.GetInt32(15), reader.IsDBNull(16) ? null : reader.GetFieldValue<DateTimeOffset>(16), reader.GetFieldValue<DateTimeOffset>(17));
}
