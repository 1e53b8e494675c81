using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>Reads the next events of streams, many streams in one statement.</summary>
internal sealed class ReadAhead(WebhookDatabase database, IOptions<WebhookDispatcherOptions> options, TimeProvider time) : IAsyncDisposable
{
    private readonly Batcher<Request, IReadOnlyList<DeliveryItem>> _batcher =
        new(requests => ReadAsync(requests, database, options.Value.Delivery), 64, time, parallel: 2);

    /// <summary>The events after a seq, as many as may be read ahead; none when the stream has no more.</summary>
    public Task<IReadOnlyList<DeliveryItem>> ReadAsync(EndpointLease lease, long after, CancellationToken cancel) =>
        _batcher.RunAsync(new Request(lease.Bucket, lease.Endpoint, after), cancel);

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private static async Task<IReadOnlyList<IReadOnlyList<DeliveryItem>>> ReadAsync(
        IReadOnlyList<Request> requests, WebhookDatabase database, DeliveryOptions options)
    {
        var results = requests.Select(_ => new List<DeliveryItem>()).ToArray();
        await using var command = database.Command(
            "Delivery/read_ahead", requests.Select(request => request.Bucket).ToArray(), requests.Select(request => request.Endpoint).ToArray(),
            requests.Select(request => request.After).ToArray(), options.ReadAhead, (long)options.ReadAheadBytes);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            results[reader.GetInt64(0) - 1].Add(new DeliveryItem(
                reader.GetInt64(1), reader.GetGuid(2), reader.GetString(3), reader.GetFieldValue<DateTimeOffset>(4), reader.GetFieldValue<byte[]>(5)));
        }

        return results;
    }

    private sealed record Request(short Bucket, long Endpoint, long After);
}
