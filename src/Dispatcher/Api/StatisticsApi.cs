using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Endpoints;

namespace Webhooks.Dispatcher.Api;

/// <summary>What became of an endpoint's attempts and events over time, and how it stands now.</summary>
internal sealed class StatisticsApi(EndpointRecords records, IWebhookStatistics statistics) : IApiResource
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/endpoints/{endpoint}/statistics", WebhookApiScopes.EndpointsRead,
            "Read an endpoint's statistics: rates, failures by outcome and latencies by minute or hour, and how it stands now", ReadAsync)
        {
            Tag = EndpointsApi.Tag, Answer = ApiJson.Default.StatisticsAnswer, Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
            Query =
            [
                new("from", """{"type":"string","format":"date-time"}""",
                    "From the minute or hour in which this lies. Default: an hour before the end by the minute, a day by the hour."),
                new("to", """{"type":"string","format":"date-time"}""", "To the end of the minute or hour in which this lies. Default: now. At most 3,000 minutes or hours."),
                new("by", """{"type":"string","enum":["minute","hour"],"default":"minute"}""",
                    "How finely. Minutes are kept for 48 hours, hours for 90 days, unless set otherwise."),
            ],
        },
    ];

    private async Task<ApiResult> ReadAsync(ApiCall call)
    {
        var by = call.Query("by") switch
        {
            null or "minute" => StatisticsSpan.Minute,
            "hour" => StatisticsSpan.Hour,
            _ => throw ApiException.Of(ApiProblem.MalformedRequest, "by", "by must be minute or hour."),
        };
        var query = new StatisticsQuery { From = call.QueryTime("from"), To = call.QueryTime("to"), By = by };
        var seen = await records.SeeAsync(call);
        return ApiResult.Of(StatisticsAnswer.Of(await statistics.GetAsync(seen.Id, query, call.Cancel)), ApiJson.Default.StatisticsAnswer);
    }
}

/// <summary>Statistics as they are answered. Counts are gathered in memory and written down every few seconds: the last ones are not in them yet.</summary>
internal sealed record StatisticsAnswer(
    string Endpoint, string By, DateTimeOffset From, DateTimeOffset To, DateTimeOffset KeptSince, PresentAnswer Present, SpanAnswer Total, IReadOnlyList<SpanAnswer> Data)
{
    public static StatisticsAnswer Of(EndpointStatistics read) => new(
        read.Endpoint.Value, read.By == StatisticsSpan.Hour ? "hour" : "minute", read.From, read.To, read.KeptSince, PresentAnswer.Of(read.Present), SpanAnswer.Of(read.Total),
        [.. read.Spans.Select(SpanAnswer.Of)]);
}

/// <summary>How an endpoint stands now.</summary>
internal sealed record PresentAnswer(
    string Status, PauseAnswer? Pause, int ConsecutiveFailures, long Backlog, long Deferred, DateTimeOffset? OldestUndeliveredAt, double? OldestUndeliveredSeconds,
    DateTimeOffset? LastDeliveryAt, double DeliveriesPerSecond)
{
    public static PresentAnswer Of(EndpointPresent present) => new(
        present.Stream.Status.Word(), StreamAnswer.Of(present.Stream).Pause, present.Stream.ConsecutiveFailures, present.Backlog, present.Deferred, present.OldestUndeliveredAt,
        present.OldestUndeliveredAge is { } age ? Math.Round(age.TotalSeconds, 3) : null, present.LastDeliveryAt, present.DeliveriesPerSecond);
}

/// <summary>A minute, an hour, or all of the time that was asked for.</summary>
internal sealed record SpanAnswer(
    DateTimeOffset At, long Deliveries, long Attempts, IReadOnlyDictionary<string, long> Failures, IReadOnlyDictionary<string, long> Settled, LatencyAnswer? LatencyMs)
{
    public static SpanAnswer Of(SpanStatistics span) => new(
        span.At, span.Deliveries, span.Attempts, span.Failures, span.Settled,
        span.Latency is { } latency ? new LatencyAnswer(Ms(latency.P50), Ms(latency.P95), Ms(latency.P99), Ms(latency.Max)) : null);

    private static double Ms(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);
}

/// <summary>How long attempts took, in milliseconds: half, 95 and 99 of a hundred took no longer, right to within 6 %; and the longest.</summary>
internal sealed record LatencyAnswer(double P50, double P95, double P99, double Max);
