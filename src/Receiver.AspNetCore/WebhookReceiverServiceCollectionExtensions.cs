using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Webhooks.Receiver;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds sources of webhooks.</summary>
public static class WebhookReceiverServiceCollectionExtensions
{
    /// <summary>Adds a source.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The source's name, used again in <c>MapWebhookReceiver</c>.</param>
    /// <param name="configure">Sets its options.</param>
    public static IWebhookReceiverBuilder AddWebhookReceiver(
        this IServiceCollection services, string name, Action<WebhookReceiverOptions> configure)
    {
        var builder = Add(services, name);
        services.Configure(name, configure);
        return builder;
    }

    /// <summary>Adds a source whose options are read from configuration, and again whenever it changes.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The source's name, used again in <c>MapWebhookReceiver</c>.</param>
    /// <param name="section">The section with the options.</param>
    public static IWebhookReceiverBuilder AddWebhookReceiver(this IServiceCollection services, string name, IConfiguration section)
    {
        var builder = Add(services, name);
        services.Configure<WebhookReceiverOptions>(name, section);
        return builder;
    }

    private static Builder Add(IServiceCollection services, string name)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (services.Any(known => known.ImplementationInstance is SourceRegistration other && other.Name == name))
            throw new InvalidOperationException($"There is a webhook source \"{name}\" already.");

        services.AddOptions();
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ReceiverMetrics>();
        services.TryAddSingleton<ReceiverRegistry>();
        services.TryAddSingleton<WebhookIntake>();
        services.TryAddSingleton<IWebhookReceiverStatus, ReceiverStatus>();
        services.TryAddSingleton<IWebhookReceiverAdministration, ReceiverAdministration>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ReceiverWorker>());

        var registration = new SourceRegistration(name);
        services.AddSingleton(registration);
        // Redirects are not followed: the signature names no address, so it would be good at another one too.
        services.AddHttpClient(registration.FeedClient)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        return new Builder(registration, services);
    }

    internal sealed record Builder(SourceRegistration Registration, IServiceCollection Services) : IWebhookReceiverBuilder
    {
        public string Name => Registration.Name;
    }
}
