namespace Webhooks.Dispatcher.Statistics;

/// <summary>What is counted of each endpoint, and how long that is kept.</summary>
public sealed class StatisticsOptions
{
    /// <summary>
    /// How often a process writes down what it has counted. What it had not written when it was killed is missing from the statistics, and from nothing else. Default 10
    /// seconds.
    /// </summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long each minute is kept; then minutes are added up to hours. Default 48 hours.</summary>
    public TimeSpan KeepMinutes { get; set; } = TimeSpan.FromHours(48);

    /// <summary>How long each hour is kept. Default 90 days.</summary>
    public TimeSpan KeepHours { get; set; } = TimeSpan.FromDays(90);

    /// <summary>
    /// Of how many endpoints a process counts at a time, each of which takes about 1.5 KiB; beyond that nothing is counted until the next time it is written down.
    /// Default 50,000.
    /// </summary>
    public int MaxEndpoints { get; set; } = 50_000;

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Statistics:Interval", Interval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10))
            .Concat(WebhookDispatcherOptions.InRange("Statistics:KeepMinutes", KeepMinutes, TimeSpan.FromHours(1), TimeSpan.FromDays(30)))
            .Concat(WebhookDispatcherOptions.InRange("Statistics:KeepHours", KeepHours, KeepMinutes, TimeSpan.FromDays(3660)))
            .Concat(WebhookDispatcherOptions.InRange("Statistics:MaxEndpoints", MaxEndpoints, 1, 10_000_000));
}
