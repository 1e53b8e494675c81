namespace Webhooks.Dispatcher;

/// <summary>What became of the attempts and events of an endpoint, minute by minute or hour by hour, and how it stands now.</summary>
/// <remarks>
/// Counts are gathered in memory by the processes that send, written down every <c>Statistics:Interval</c> (10 s) and added up over all of them. So the last seconds are not in
/// them yet, and what a process
/// that was killed had not written down never will be: they are for looking at. What is exact, and never lost, are the events, their settlements and the failed attempts
/// themselves.
/// </remarks>
public interface IWebhookStatistics
{
    /// <summary>Reads an endpoint's statistics.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="query">From when to when, and how finely; by default the last hour by the minute.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint, or it was deleted.</exception>
    /// <exception cref="WebhookValidationException">The time ends before it begins, or has more than 3,000 minutes or hours.</exception>
    Task<EndpointStatistics> GetAsync(WebhookEndpointId endpoint, StatisticsQuery? query = null, CancellationToken cancellationToken = default);
}

/// <summary>How finely statistics are told.</summary>
public enum StatisticsSpan
{
    /// <summary>Each minute; kept for <c>Statistics:KeepMinutes</c>, by default 48 hours.</summary>
    Minute,

    /// <summary>Each hour (UTC); kept for <c>Statistics:KeepHours</c>, by default 90 days.</summary>
    Hour,
}

/// <summary>Which statistics.</summary>
public sealed record StatisticsQuery
{
    /// <summary>From the minute or hour in which this lies. Default null: an hour before <see cref="To"/> by the minute, a day before by the hour.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>To the end of the minute or hour before this, or in which it lies if it has begun. Default null: now.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>By the minute or by the hour. Default <see cref="StatisticsSpan.Minute"/>.</summary>
    public StatisticsSpan By { get; init; } = StatisticsSpan.Minute;
}

/// <summary>The statistics of an endpoint.</summary>
public sealed record EndpointStatistics
{
    /// <summary>The endpoint.</summary>
    public required WebhookEndpointId Endpoint { get; init; }

    /// <summary>How finely they are told.</summary>
    public required StatisticsSpan By { get; init; }

    /// <summary>The beginning of the first minute or hour that was asked for.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>The end of the last.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Since when minutes, or hours, are kept: nothing is told of before.</summary>
    public required DateTimeOffset KeptSince { get; init; }

    /// <summary>How the endpoint stands now.</summary>
    public required EndpointPresent Present { get; init; }

    /// <summary>All that was asked for, together.</summary>
    public required SpanStatistics Total { get; init; }

    /// <summary>Each minute or hour, in order. One in which nothing happened is left out.</summary>
    public required IReadOnlyList<SpanStatistics> Spans { get; init; }
}

/// <summary>How an endpoint stands now; read when it was asked for, not counted.</summary>
public sealed record EndpointPresent
{
    /// <summary>Its stream: status, reason of a pause, head, cursor, failures in a row.</summary>
    public required StreamStatus Stream { get; init; }

    /// <summary>How many numbered events lie beyond the cursor.</summary>
    public required long Backlog { get; init; }

    /// <summary>How many are retried beside the stream; counted up to 100,000.</summary>
    public required long Deferred { get; init; }

    /// <summary>When the oldest event that is numbered and not settled was published; null when there is none.</summary>
    public DateTimeOffset? OldestUndeliveredAt { get; init; }

    /// <summary>How old that is, by the database's clock; null when there is none.</summary>
    public TimeSpan? OldestUndeliveredAge { get; init; }

    /// <summary>When an event was last settled as delivered; null when that is not among the last 5,000 settlements that are kept.</summary>
    public DateTimeOffset? LastDeliveryAt { get; init; }

    /// <summary>Events delivered a second, over the last minute; over as much of it as the last 5,000 settlements tell, where there were more.</summary>
    public required double DeliveriesPerSecond { get; init; }
}

/// <summary>What happened in a minute, an hour, or all of the time that was asked for.</summary>
public sealed record SpanStatistics
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Events settled as delivered.</summary>
    public required long Deliveries { get; init; }

    /// <summary>Requests, whatever came of them; one with a batch is one.</summary>
    public required long Attempts { get; init; }

    /// <summary>Failed ones among them by the word of their outcome, such as <c>timed_out</c>.</summary>
    public required IReadOnlyDictionary<string, long> Failures { get; init; }

    /// <summary>
    /// What else became of events, by word: <c>taken_from_feed</c>, <c>skipped</c>, <c>expired</c>, <c>deferred</c> (passed by the cursor and retried beside the stream),
    /// <c>exhausted</c>,
    /// <c>replayed</c>, and <c>rewound</c> for numbers that the cursor was taken back over.
    /// </summary>
    public required IReadOnlyDictionary<string, long> Settled { get; init; }

    /// <summary>How long attempts took; null when there were none.</summary>
    public LatencyStatistics? Latency { get; init; }
}

/// <summary>How long attempts took, from the beginning of the request to the end of the answer or the failure.</summary>
/// <param name="P50">Half of them took no longer. As the next two, right to within 6 % for 64 µs and more.</param>
/// <param name="P95">95 of a hundred took no longer.</param>
/// <param name="P99">99 of a hundred took no longer.</param>
/// <param name="Max">The longest, exactly.</param>
public sealed record LatencyStatistics(TimeSpan P50, TimeSpan P95, TimeSpan P99, TimeSpan Max);
