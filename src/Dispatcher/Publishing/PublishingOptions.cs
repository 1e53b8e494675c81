namespace Webhooks.Dispatcher.Publishing;

/// <summary>Limits and defaults of publishing.</summary>
public sealed class PublishingOptions
{
    /// <summary>The greatest size of an event's data, in bytes. Default 524,288 (512 KiB).</summary>
    public int MaxDataBytes { get; set; } = 512 * 1024;

    /// <summary>What becomes of an event whose type is not registered (<see cref="IWebhookEventTypes"/>), or archived. Default <see cref="UnknownEventTypes.Accepted"/>.</summary>
    public UnknownEventTypes UnknownTypes { get; set; }

    /// <summary>How many concurrent publishes outside a transaction of the caller's share one commit at most. Default 500.</summary>
    public int GroupCommitSize { get; set; } = 500;

    /// <summary>
    /// Whether a publish inside the caller's transaction carries a <c>NOTIFY</c>. Default false: PostgreSQL lets transactions with one
    /// commit only one after another, in the whole database. Without it, call <see cref="IWebhookPublisher.WakeAsync"/> after the commit, or let
    /// the dispatcher find the event at its next poll.
    /// </summary>
    public bool NotifyInTransaction { get; set; }

    /// <summary>
    /// How many bytes of the latest events a process that delivers keeps in memory, so that it need not read them back to send them; 0 keeps none.
    /// Default 16 MiB.
    /// </summary>
    public long FreshBytes { get; set; } = 16 * 1024 * 1024;

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Publishing:MaxDataBytes", MaxDataBytes, 1, 16 * 1024 * 1024)
            .Concat(Enum.IsDefined(UnknownTypes) ? [] : [$"Publishing:UnknownTypes must be Accepted or Refused; it is {UnknownTypes}."])
            .Concat(WebhookDispatcherOptions.InRange("Publishing:GroupCommitSize", GroupCommitSize, 1, 10_000))
            .Concat(WebhookDispatcherOptions.InRange("Publishing:FreshBytes", FreshBytes, 0, 1L << 40));
}
