namespace Webhooks.Receiver;

/// <summary>Handles events whose data is read as <typeparamref name="T"/>. One instance for each attempt.</summary>
/// <typeparam name="T">What the data is read as.</typeparam>
public interface IWebhookHandler<T>
{
    /// <summary>Handles one event; an exception rolls back and leads to a retry.</summary>
    /// <param name="webhookEvent">The event.</param>
    /// <param name="context">The transaction for effects, and the attempt's number.</param>
    /// <param name="cancellationToken">Cancelled when the time is up or the application stops.</param>
    Task HandleAsync(WebhookEvent<T> webhookEvent, WebhookHandlerContext context, CancellationToken cancellationToken);
}

/// <summary>Handles events of any type. One instance for each attempt.</summary>
public interface IWebhookHandler
{
    /// <summary>Handles one event; an exception rolls back and leads to a retry.</summary>
    /// <param name="webhookEvent">The event.</param>
    /// <param name="context">The transaction for effects, and the attempt's number.</param>
    /// <param name="cancellationToken">Cancelled when the time is up or the application stops.</param>
    Task HandleAsync(WebhookEvent webhookEvent, WebhookHandlerContext context, CancellationToken cancellationToken);
}
