using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Statistics;

internal sealed class WebhookStatistics(WebhookDatabase database, StreamControl control, IOptions<WebhookDispatcherOptions> options) : IWebhookStatistics
{
    private static readonly TimeSpan LastMinute = TimeSpan.FromMinutes(1);

    public async Task<EndpointStatistics> GetAsync(WebhookEndpointId endpoint, StatisticsQuery? query = null, CancellationToken cancellationToken = default)
    {
        query ??= new StatisticsQuery();
        var stream = await control.ReadAsync(endpoint, cancellationToken);
        if (stream.Status.Status == EndpointStatus.Deleted) throw new WebhookNotFoundException($"There is no endpoint {endpoint}.");
        var range = StatisticsRange.Of(query, stream.Now);
        var (total, spans) = await CountsAsync(stream.Endpoint, range, cancellationToken);
        var kept = query.By == StatisticsSpan.Hour ? options.Value.Statistics.KeepHours : options.Value.Statistics.KeepMinutes;
        return new EndpointStatistics
        {
            Endpoint = endpoint,
            By = query.By,
            From = range.From,
            To = range.To,
            KeptSince = range.BeginningOf(stream.Now - kept) + range.Span,
            Present = await PresentAsync(stream, cancellationToken),
            Total = total.Tell(),
            Spans = [.. spans.Values.Select(span => span.Tell())],
        };
    }

    private async Task<(SpanSum Total, SortedDictionary<DateTimeOffset, SpanSum> Spans)> CountsAsync(long endpoint, StatisticsRange range, CancellationToken cancel)
    {
        var (total, spans) = (new SpanSum(range.From), new SortedDictionary<DateTimeOffset, SpanSum>());
        await using var command = database.Command("Statistics/read_counts", endpoint, range.From, range.To, range.Span > TimeSpan.FromMinutes(1));
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var at = range.BeginningOf(reader.GetFieldValue<DateTimeOffset>(0));
            if (!spans.TryGetValue(at, out var span)) spans.Add(at, span = new SpanSum(at));
            foreach (var sum in new[] { total, span }) sum.Add(reader.GetString(1), reader.GetString(2), reader.GetFieldValue<long[]>(3), reader.GetInt64(4));
        }

        return (total, spans);
    }

    private async Task<EndpointPresent> PresentAsync(StreamRow stream, CancellationToken cancel)
    {
        await using var command = database.Command("Statistics/read_present", stream.Bucket, stream.Endpoint, stream.Status.Cursor);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        var (oldest, since, now) = (Time(1), Time(4), reader.GetFieldValue<DateTimeOffset>(5));
        var window = since is { } begin && now - begin < LastMinute ? now - begin : LastMinute;
        return new EndpointPresent
        {
            Stream = stream.Status,
            Backlog = stream.Status.Head - stream.Status.Cursor,
            Deferred = reader.GetInt64(0),
            OldestUndeliveredAt = oldest,
            OldestUndeliveredAge = now - oldest is { } age ? (age > TimeSpan.Zero ? age : TimeSpan.Zero) : null,
            LastDeliveryAt = Time(2),
            DeliveriesPerSecond = Math.Round(reader.GetInt64(3) / Math.Max(window.TotalSeconds, 0.001), 3),
        };

        DateTimeOffset? Time(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
    }
}
