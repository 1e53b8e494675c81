using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>An event that is sent beside its stream.</summary>
/// <param name="Item">The event.</param>
/// <param name="Attempts">Failed attempts so far.</param>
/// <param name="Replay">Whether it was asked for again, as against deferred.</param>
internal sealed record DeferredEvent(DeliveryItem Item, int Attempts, bool Replay);

/// <summary>A failed attempt of an event that is to be retried beside its stream.</summary>
/// <param name="Seq">The event.</param>
/// <param name="Attempts">Failed attempts, with this one.</param>
/// <param name="Wait">Until the next.</param>
/// <param name="Replay">Whether it was asked for again.</param>
/// <param name="Result">What came of this one.</param>
internal sealed record Deferral(long Seq, int Attempts, TimeSpan Wait, bool Replay, AttemptResult Result);

/// <summary>The events that are retried or replayed beside their streams. Only the holder of the lease writes them.</summary>
internal sealed class DeferredStore(WebhookDatabase database, LeaseStore leases)
{
    /// <summary>The events that are due, at most so many, and when the next one after them is.</summary>
    public async Task<(List<DeferredEvent> Due, DateTimeOffset? Next)> ReadDueAsync(EndpointLease lease, int most, CancellationToken cancel)
    {
        var due = new List<DeferredEvent>();
        DateTimeOffset? next = null;
        await using var connection = await database.OpenAsync(cancel);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                database.Step("Delivery/read_deferred", lease.Bucket, lease.Endpoint, most, lease.Epoch),
                database.Step("Delivery/next_deferred", lease.Bucket, lease.Endpoint),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var item = new DeliveryItem(
                reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3), reader.GetFieldValue<byte[]>(4));
            due.Add(new DeferredEvent(item, reader.GetInt32(5), reader.GetBoolean(6)));
        }

        await reader.NextResultAsync(cancel);
        if (await reader.ReadAsync(cancel) && !reader.IsDBNull(0)) next = reader.GetFieldValue<DateTimeOffset>(0);
        return (due, next);
    }

    /// <summary>Writes down failed attempts and when the next ones are; false when the lease was lost: then nothing was written.</summary>
    public async Task<bool> DeferAsync(EndpointLease lease, IReadOnlyList<Deferral> deferrals, CancellationToken cancel)
    {
        await using var command = database.Command(
            "Delivery/defer", lease.Endpoint, leases.Owner, lease.LeaseEpoch, lease.Version,
            deferrals.Select(one => one.Seq).ToArray(), deferrals.Select(one => one.Attempts).ToArray(), deferrals.Select(one => one.Wait).ToArray(),
            deferrals.Select(one => one.Replay).ToArray(), deferrals.Select(one => one.Result.StartedAt.UtcDateTime).ToArray(),
            deferrals.Select(one => (int)one.Result.Duration.TotalMilliseconds).ToArray(), deferrals.Select(one => one.Result.Outcome.Word()).ToArray(),
            deferrals.Select(one => one.Result.StatusCode).ToArray(), deferrals.Select(one => one.Result.Detail).ToArray(),
            deferrals.Select(one => one.Result.Phases).ToArray());
        return await command.ExecuteScalarAsync(cancel) is not null;
    }
}
