using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>What one read gave.</summary>
/// <param name="Items">The next events, in order.</param>
/// <param name="More">Whether the stream may have more of them.</param>
internal sealed record ReadEvents(IReadOnlyList<DeliveryItem> Items, bool More);

/// <summary>
/// Reads the next events of streams, many streams in one statement, and holds all that was read and not yet sent within one budget: when that
/// is used up, a stream gets one event at a time.
/// </summary>
internal sealed class ReadAhead(WebhookDatabase database, IOptions<WebhookDispatcherOptions> options, TimeProvider time) : IAsyncDisposable
{
    private readonly Batcher<Request, ReadEvents> _batcher = new(requests => ReadAsync(requests, database), 64, time, parallel: 2);
    private long _held;

    /// <summary>How many bytes of data are read and not yet taken, over all streams.</summary>
    public long HeldBytes => Interlocked.Read(ref _held);

    /// <summary>The events after a seq; none when the stream has no more, or another epoch than the lease's. What is given back must be <see cref="Release"/>d.</summary>
    /// <param name="lease">The endpoint.</param>
    /// <param name="after">The seq.</param>
    /// <param name="period">The period in which that seq was numbered, or 0 when it is not known: what lies before is not searched.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<ReadEvents> ReadAsync(EndpointLease lease, long after, int period, int most, CancellationToken cancel)
    {
        var bytes = HeldBytes < options.Value.Delivery.ReadAheadBudget ? options.Value.Delivery.ReadAheadBytes : 1;
        var read = await _batcher.RunAsync(new Request(lease.Bucket, lease.Endpoint, lease.Epoch, after, period, most, bytes), cancel);
        Interlocked.Add(ref _held, read.Items.Sum(item => (long)item.Data.Length));
        return read;
    }

    /// <summary>Counts events that were not read and are held like those that were; false when the budget is used up.</summary>
    public bool TryHold(long bytes)
    {
        if (HeldBytes + bytes > options.Value.Delivery.ReadAheadBudget) return false;
        Interlocked.Add(ref _held, bytes);
        return true;
    }

    /// <summary>Events were taken, or are not needed any more.</summary>
    public void Release(long bytes) => Interlocked.Add(ref _held, -bytes);

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private static async Task<IReadOnlyList<ReadEvents>> ReadAsync(IReadOnlyList<Request> requests, WebhookDatabase database)
    {
        var results = requests.Select(_ => new List<DeliveryItem>()).ToArray();
        await using var command = database.Command(
            "Delivery/read_ahead", requests.Select(request => request.Bucket).ToArray(), requests.Select(request => request.Endpoint).ToArray(),
            requests.Select(request => request.After).ToArray(), requests.Select(request => request.Most).ToArray(),
            requests.Select(request => request.Bytes).ToArray(), requests.Select(request => request.Epoch).ToArray(),
            requests.Select(request => request.Period).ToArray());
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            results[reader.GetInt64(0) - 1].Add(new DeliveryItem(
                reader.GetInt64(1), reader.GetGuid(2), reader.GetString(3), reader.GetFieldValue<DateTimeOffset>(4), reader.GetFieldValue<byte[]>(5),
                reader.GetInt32(6)));
        }

        return results.Select((items, i) => new ReadEvents(
            items, items.Count >= requests[i].Most || items.Sum(item => (long)item.Data.Length) >= requests[i].Bytes)).ToList();
    }

    private sealed record Request(short Bucket, long Endpoint, int Epoch, long After, int Period, int Most, long Bytes);
}
