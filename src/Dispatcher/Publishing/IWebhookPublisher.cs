using Npgsql;

namespace Webhooks.Dispatcher;

/// <summary>Publishes events. An event whose publish committed is delivered, held, or ends in one named state; it is never lost (promise 1).</summary>
public interface IWebhookPublisher
{
    /// <summary>Judges an event by the rules that publishing applies, without storing anything. Not looked up is whether the application exists, nor what its types say.</summary>
    /// <exception cref="WebhookValidationException">The event breaks a rule; every field that does is named.</exception>
    void Validate(EventToPublish published);

    /// <summary>
    /// Publishes inside the caller's transaction, which must be on the dispatcher's database: the event exists if and only if it commits.
    /// One small insert that waits for no other publisher. After the commit, <see cref="WakeAsync"/> spares the wait for the next poll.
    /// </summary>
    /// <exception cref="WebhookValidationException">
    /// The event breaks a rule, or its data does not fit the schema of its type: named by JSON Pointer, such as <c>/data/amount</c>. Nothing was stored.
    /// </exception>
    /// <exception cref="WebhookNotFoundException">There is no such application; nothing was stored.</exception>
    Task<WebhookEventId> PublishAsync(EventToPublish published, NpgsqlTransaction transaction, CancellationToken cancellationToken = default);

    /// <summary>Publishes several events, in this order, inside the caller's transaction.</summary>
    /// <exception cref="WebhookValidationException">An event breaks a rule; nothing was stored.</exception>
    /// <exception cref="WebhookNotFoundException">An event names an application that does not exist. Others of them may be in the transaction: roll it back.</exception>
    Task<IReadOnlyList<WebhookEventId>> PublishAsync(
        IReadOnlyList<EventToPublish> published, NpgsqlTransaction transaction, CancellationToken cancellationToken = default);

    /// <summary>Publishes on its own, durably when the task ends. Concurrent calls share a commit; the dispatcher is woken at once.</summary>
    /// <remarks>Cancelling gives up waiting for a place in a commit. An event that has one is on its way, and its caller is told what became of it.</remarks>
    /// <exception cref="WebhookValidationException">
    /// The event breaks a rule, or its data does not fit the schema of its type: named by JSON Pointer, such as <c>/data/amount</c>. Nothing was stored.
    /// </exception>
    /// <exception cref="WebhookNotFoundException">There is no such application; nothing was stored.</exception>
    /// <exception cref="WebhookPublishException">The database did not confirm. It may still have stored the event: publish again with the same dedupe key.</exception>
    Task<WebhookEventId> PublishAsync(EventToPublish published, CancellationToken cancellationToken = default);

    /// <summary>Tells the dispatcher, in whichever process, that events were committed. A mere hint: without it they are found at the next poll.</summary>
    Task WakeAsync(CancellationToken cancellationToken = default);
}

/// <summary>The database did not confirm a publish.</summary>
/// <param name="message">What to do.</param>
/// <param name="inner">What went wrong.</param>
public sealed class WebhookPublishException(string message, Exception inner) : Exception(message, inner);
