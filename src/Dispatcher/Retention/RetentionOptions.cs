namespace Webhooks.Dispatcher.Retention;

/// <summary>How long events, deliveries and their settlements are kept.</summary>
public sealed class RetentionOptions
{
    /// <summary>
    /// How long an event is kept, and so how long a pause holds it. Default 30 days. What is dropped is whole periods, so an event is kept
    /// for up to one <see cref="Period"/> longer.
    /// </summary>
    public TimeSpan Keep { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a period is: the stretch of time whose events are dropped together. Default a tenth of <see cref="Keep"/>.</summary>
    public TimeSpan? Period { get; set; }

    /// <summary>How often it is looked whether a period begins or is to be dropped. Default 1 minute.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long rows of the audit log are kept: who did what through the management API. Default 400 days.</summary>
    public TimeSpan KeepAudit { get; set; } = TimeSpan.FromDays(400);

    internal TimeSpan EffectivePeriod => Period ?? Keep / 10;

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Retention:Keep", Keep, TimeSpan.FromSeconds(1), TimeSpan.FromDays(3660))
            // More partitions than this, and every statement would feel them.
            .Concat(WebhookDispatcherOptions.InRange("Retention:Period", EffectivePeriod, Keep / 50, Keep))
            .Concat(WebhookDispatcherOptions.InRange("Retention:Interval", Interval, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)))
            .Concat(WebhookDispatcherOptions.InRange("Retention:KeepAudit", KeepAudit, TimeSpan.FromDays(1), TimeSpan.FromDays(36600)));
}
