namespace Webhooks.Dispatcher;

/// <summary>The customers of the platform.</summary>
public interface IWebhookApplications
{
    /// <summary>Creates an application.</summary>
    /// <param name="name">For people; 1 to 200 characters, need not be unique.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WebhookValidationException">The name breaks a rule.</exception>
    Task<WebhookApplicationId> CreateAsync(string name, CancellationToken cancellationToken = default);
}
