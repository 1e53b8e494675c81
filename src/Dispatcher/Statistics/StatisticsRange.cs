namespace Webhooks.Dispatcher.Statistics;

/// <summary>The minutes or hours that are told; pure.</summary>
/// <param name="From">The beginning of the first.</param>
/// <param name="To">The end of the last.</param>
/// <param name="Span">How long each is.</param>
internal readonly record struct StatisticsRange(DateTimeOffset From, DateTimeOffset To, TimeSpan Span)
{
    /// <summary>The most minutes or hours in one answer.</summary>
    public const int Most = 3000;

    /// <exception cref="WebhookValidationException">It ends before it begins, or is too long.</exception>
    public static StatisticsRange Of(StatisticsQuery query, DateTimeOffset now)
    {
        var span = query.By == StatisticsSpan.Hour ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(1);
        var to = (query.To ?? now).ToUniversalTime();
        var end = Floor(to, span);
        if (end < to) end += span;
        var from = Floor((query.From ?? end - (query.By == StatisticsSpan.Hour ? TimeSpan.FromDays(1) : TimeSpan.FromHours(1))).ToUniversalTime(), span);
        var problem = from >= end ? $"Must lie before the end, {end:u}; it is {from:u}."
            : (end - from) / span > Most ? $"At most {Most} minutes or hours at a time; from {from:u} to {end:u} there are {(end - from) / span:F0}."
            : null;
        return problem is null ? new(from, end, span) : throw new WebhookValidationException("from", problem);
    }

    /// <summary>The beginning of the minute or hour in which a time lies.</summary>
    public DateTimeOffset BeginningOf(DateTimeOffset time) => Floor(time, Span);

    private static DateTimeOffset Floor(DateTimeOffset time, TimeSpan span) => new(time.UtcTicks - (time.UtcTicks % span.Ticks), TimeSpan.Zero);
}
