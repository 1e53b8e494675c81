namespace Webhooks.Dispatcher.Sequencing;

/// <summary>How pending events are found and numbered.</summary>
public sealed class SequencingOptions
{
    /// <summary>How often the database is asked for pending events that nothing announced. Default 200 ms.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How many events one transaction numbers at most. Default 1,000.</summary>
    public int BatchSize { get; set; } = 1000;

    /// <summary>How long a dedupe key is remembered. Default 24 hours.</summary>
    public TimeSpan DedupeWindow { get; set; } = TimeSpan.FromHours(24);

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Sequencing:PollInterval", PollInterval, TimeSpan.FromMilliseconds(5), TimeSpan.FromMinutes(1))
            .Concat(WebhookDispatcherOptions.InRange("Sequencing:BatchSize", BatchSize, 1, 100_000))
            .Concat(WebhookDispatcherOptions.InRange("Sequencing:DedupeWindow", DedupeWindow, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30)));
}
