using Webhooks.Dispatcher;
using Webhooks.Dispatcher.Operations;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds observers of operational events.</summary>
public static class WebhookObserverServiceCollectionExtensions
{
    private const int MaxNameLength = 100;

    /// <summary>Has an observer told of what happens to endpoints and streams, from its first registration on. It is made anew for each event, in a scope of its own.</summary>
    /// <typeparam name="TObserver">The observer; it gets its dependencies from the container.</typeparam>
    /// <param name="services">The application's services, with <c>AddWebhookDispatcher</c>.</param>
    /// <param name="name">Under which its position is stored, 1 to 100 letters, digits, <c>-</c>, <c>_</c> or <c>.</c>: the same in all processes that register it, of which one is told. Another name begins anew.</param>
    /// <exception cref="ArgumentException">The name is none, or taken.</exception>
    public static IServiceCollection AddWebhookObserver<TObserver>(this IServiceCollection services, string name) where TObserver : class, IWebhookObserver
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > MaxNameLength || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new ArgumentException($"An observer's name has 1 to {MaxNameLength} letters, digits, -, _ or full stops.", nameof(name));
        if (services.Any(service => service.ImplementationInstance is ObserverRegistration other && other.Name == name))
            throw new ArgumentException($"There is an observer \"{name}\" already.", nameof(name));
        services.AddSingleton(new ObserverRegistration(name, provider => ActivatorUtilities.CreateInstance<TObserver>(provider)));
        return services;
    }
}
