namespace Webhooks.Dispatcher.Delivery;

/// <summary>Leases, waits between attempts, and what is read ahead.</summary>
public sealed class DeliveryOptions
{
    /// <summary>How long an endpoint stays with the process that took it, unless renewed: so long does a takeover after a crash take. Default 10 s.</summary>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the database is asked for endpoints that are due and that nothing announced. Default 500 ms.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long an endpoint without work is kept before it is handed back, 1 ms to 1 h. Default 5 s.</summary>
    public TimeSpan Linger { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Waits after the first failed attempt, the second, and so on; the last one repeats. Each varies by ±20 %.
    /// Empty (the default) stands for 30 s, 5 min, 15 min, 1 h: long enough that a deployment of the receiver does not pause it.
    /// </summary>
    public IList<TimeSpan> Waits { get; } = [];

    /// <summary>How long an endpoint may answer 429 before that counts as failing. Default 24 hours.</summary>
    public TimeSpan ThrottleLimit { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How many endpoints this process works on at a time, at most. Default 5,000.</summary>
    public int MaxLeases { get; set; } = 5000;

    /// <summary>How many requests are under way at a time, over all endpoints. Those that take long are counted apart. Default 256.</summary>
    public int MaxConcurrentSends { get; set; } = 256;

    /// <summary>
    /// How many requests are under way at a time that took longer than a second when last tried, or longer than 100 ms by now while others wait for their
    /// places. Default 2,000: so many endpoints that hang until the time-out hold up no other.
    /// </summary>
    public int MaxSlowSends { get; set; } = 2000;

    /// <summary>How many events of an endpoint are read ahead. Default 64.</summary>
    public int ReadAhead { get; set; } = 64;

    /// <summary>How many bytes of data are read ahead for an endpoint; one event is always read. Default 256 KiB.</summary>
    public int ReadAheadBytes { get; set; } = 256 * 1024;

    /// <summary>
    /// How many bytes of data are read ahead over all endpoints together; beyond that each endpoint gets one event at a time. Default 64 MiB.
    /// </summary>
    public long ReadAheadBudget { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// The least time between two commits of what was delivered, over all endpoints together. Default 50 ms. Where many endpoints are sent to at a time it
    /// is up to three times as long. What was delivered and not yet settled when a process dies is sent again, with the same id and seq.
    /// </summary>
    public TimeSpan SettleInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    internal static readonly TimeSpan[] DefaultWaits =
        [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromHours(1)];

    internal IList<TimeSpan> EffectiveWaits => Waits.Count == 0 ? DefaultWaits : Waits;

    internal IEnumerable<string> Problems()
    {
        var hour = TimeSpan.FromHours(1);
        return WebhookDispatcherOptions.InRange("Delivery:LeaseDuration", LeaseDuration, TimeSpan.FromMilliseconds(500), hour)
            .Concat(WebhookDispatcherOptions.InRange("Delivery:PollInterval", PollInterval, TimeSpan.FromMilliseconds(5), TimeSpan.FromMinutes(1)))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:Linger", Linger, TimeSpan.FromMilliseconds(1), hour))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:ThrottleLimit", ThrottleLimit, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30)))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:MaxLeases", MaxLeases, 1, 1_000_000))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:MaxConcurrentSends", MaxConcurrentSends, 1, 100_000))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:ReadAhead", ReadAhead, 1, 10_000))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:ReadAheadBytes", ReadAheadBytes, 1, 64 * 1024 * 1024))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:MaxSlowSends", MaxSlowSends, 1, 100_000))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:ReadAheadBudget", ReadAheadBudget, 1024, 1L << 40))
            .Concat(WebhookDispatcherOptions.InRange("Delivery:SettleInterval", SettleInterval, TimeSpan.Zero, TimeSpan.FromSeconds(10)))
            .Concat(Waits.SelectMany((wait, i) =>
                WebhookDispatcherOptions.InRange($"Delivery:Waits:{i}", wait, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(7))));
    }
}
