using System.Text.Json;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Feed;

/// <summary>Reads pages of a stream, and keeps account of how far a receiver was given it.</summary>
internal sealed class FeedReader(WebhookDatabase database, StreamControl control, DispatcherMetrics metrics)
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    // What stands around the events is far below 1 KiB.
    private const long MaxPageBytes = (4 * 1024 * 1024) - 1024;
    private const int TimesToReadAgain = 3;

    /// <summary>A page after this seq. What an operator reads was not given to the receiver, and so it may not pass over it.</summary>
    public async Task<FeedRead> ReadAsync(StreamRow row, long after, int limit, bool byReceiver, CancellationToken cancel)
    {
        for (var again = 0; ; again++)
        {
            if (after < row.Status.Floor - 1) return new FeedRead(row.Status, null);
            if (await ReadOnceAsync(row, after, limit, byReceiver, cancel) is { } items) return new FeedRead(row.Status, items);
            if (again == TimesToReadAgain)
                throw new InvalidOperationException($"The stream of {row.Status.Endpoint} lacks seq {after + 1}: its event is not in the database.");
            // The stream changed between the two reads. Where it has expired meanwhile, that is the answer.
            row = await control.ReadAsync(row.Status.Endpoint, cancel);
        }
    }

    /// <summary>A page; null when its beginning is no longer kept, though it was when the row was read.</summary>
    private async Task<List<DeliveryItem>?> ReadOnceAsync(StreamRow row, long after, int limit, bool byReceiver, CancellationToken cancel)
    {
        var items = new List<DeliveryItem>();
        await using (var command = database.Command("Feed/read_page", row.Bucket, row.Endpoint, after, row.Status.Head, limit, MaxPageBytes, Envelope.Frame, row.Status.Epoch))
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            // Only as far as it is without a hole: what is being dropped may be missing already, and a receiver is told so rather than left to wonder.
            while (await reader.ReadAsync(cancel) && reader.GetInt64(0) == after + items.Count + 1)
            {
                items.Add(new DeliveryItem(
                    reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3), reader.GetFieldValue<byte[]>(4)));
            }
        }

        if (items.Count == 0 && after < row.Status.Head) return null;
        if (!byReceiver) return items;
        if (items.Count > 0 && items[^1].Seq > row.Status.Cursor)
        {
            await using var served = database.Command("Delivery/mark_served", row.Endpoint, after, items[^1].Seq, row.Status.Cursor, row.Status.Epoch);
            await served.ExecuteNonQueryAsync(cancel);
        }

        metrics.Fed(items.Count);
        return items;
    }
}

/// <summary>What was read of a stream.</summary>
/// <param name="Stream">Where it stood.</param>
/// <param name="Items">The events; null when the first of them is no longer kept.</param>
internal sealed record FeedRead(StreamStatus Stream, List<DeliveryItem>? Items);

/// <summary>A page as JSON.</summary>
internal static class FeedPage
{
    public static void Write(Utf8JsonWriter json, StreamStatus stream, List<DeliveryItem> items)
    {
        json.WriteStartObject();
        json.WriteString("endpoint", stream.Endpoint.Value);
        json.WriteNumber("epoch", stream.Epoch);
        json.WriteNumber("epoch_start", stream.EpochStart);
        json.WriteNumber("floor", stream.Floor);
        json.WriteNumber("head", stream.Head);
        json.WriteNumber("cursor", stream.Cursor);
        json.WriteString("status", stream.Status == EndpointStatus.Active ? "active" : "paused");
        json.WriteString("pause_reason", stream.PauseReason?.Word());
        json.WriteStartArray("data");
        // The very bytes of a delivery; they were validated when they were published.
        foreach (var item in items)
        {
            var envelope = Envelope.Write(item, stream.Endpoint, stream.Epoch);
            json.WriteRawValue(envelope, skipInputValidation: true);
            Envelope.Return(envelope);
        }

        json.WriteEndArray();
        json.WriteBoolean("has_more", items.Count > 0 && items[^1].Seq < stream.Head);
        json.WriteEndObject();
    }
}
