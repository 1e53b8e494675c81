namespace Webhooks.Dispatcher;

/// <summary>Published events.</summary>
public interface IWebhookEvents
{
    /// <summary>
    /// Takes away an event's data for good. The event keeps its id, type, time and number in every stream: feed and deliveries carry
    /// <c>"void":true,"reason":"expunged"</c> in place of <c>data</c> from then on, so that no receiver sees a gap. What was sent before
    /// is with its receivers; what a process has read ahead may still go out for up to a minute. Doing it again changes nothing.
    /// </summary>
    /// <remarks>PostgreSQL overwrites the old row when it vacuums the table; the write-ahead log and backups keep theirs until they are discarded.</remarks>
    /// <param name="application">The customer the event was published for.</param>
    /// <param name="eventId">The event.</param>
    /// <param name="reason">Why, for the record: 1 to 500 characters, kept for good.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WebhookNotFoundException">The application has no such event, or it is no longer kept.</exception>
    /// <exception cref="WebhookValidationException">The reason is empty or too long.</exception>
    Task ExpungeAsync(WebhookApplicationId application, WebhookEventId eventId, string reason, CancellationToken cancellationToken = default);
}
