using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Epochs;
using Webhooks.Dispatcher.EventTypes;
using Webhooks.Dispatcher.Feed;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Operations;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Dispatcher.Statistics;
using Webhooks.Dispatcher.Tasks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the dispatcher to an application.</summary>
public static class WebhookDispatcherServiceCollectionExtensions
{
    /// <summary>
    /// Adds publishing, sequencing and delivery: <see cref="IWebhookPublisher"/>, <see cref="IWebhookApplications"/>,
    /// <see cref="IWebhookEndpoints"/>, <see cref="IWebhookEvents"/>, <see cref="IWebhookEventTypes"/>, <see cref="IWebhookStatistics"/>, and the in-box worker. Map the management API and
    /// the feed with
    /// <c>MapWebhookDispatcher</c>, or the feed alone with <c>MapWebhookFeed</c>.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets at least <see cref="WebhookDispatcherOptions.ConnectionString"/> and <see cref="WebhookDispatcherOptions.MasterKey"/>.</param>
    /// <returns>For what may take the in-box worker's place.</returns>
    public static IWebhookDispatcherBuilder AddWebhookDispatcher(this IServiceCollection services, Action<WebhookDispatcherOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<WebhookDispatcherOptions>().Configure(configure).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<WebhookDispatcherOptions>, OptionsRules>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddLogging();

        services.TryAddSingleton<WebhookDatabase>();
        services.TryAddSingleton<Migrator>();
        services.TryAddSingleton<KeyRing>();
        services.TryAddSingleton<DispatcherMetrics>();
        services.TryAddSingleton<Wake>();
        services.TryAddSingleton<EpochGuard>();
        services.TryAddSingleton<IWebhookDispatcherAdministration, WebhookDispatcherAdministration>();

        services.TryAddSingleton<IWebhookApplications, WebhookApplications>();
        services.TryAddSingleton<WebhookEndpoints>();
        services.TryAddSingleton<IWebhookEndpoints>(provider => provider.GetRequiredService<WebhookEndpoints>());
        services.TryAddSingleton<EventTypeRegistry>();
        services.TryAddSingleton<EventTypeStore>();
        services.TryAddSingleton<IWebhookEventTypes>(provider => provider.GetRequiredService<EventTypeStore>());
        services.TryAddSingleton<FreshEvents>();
        services.TryAddSingleton<GroupCommit>();
        services.TryAddSingleton<IWebhookPublisher, WebhookPublisher>();
        services.TryAddSingleton<Sequencer>();

        services.TryAddSingleton<Floors>();
        services.TryAddSingleton<Partitions>();
        services.TryAddSingleton<Maintenance>();
        services.TryAddSingleton<WebhookEvents>();
        services.TryAddSingleton<IWebhookEvents>(provider => provider.GetRequiredService<WebhookEvents>());

        services.TryAddSingleton<NodeLease>();
        services.TryAddSingleton<NodeStore>();
        services.TryAddSingleton<LiveNodes>();
        services.TryAddSingleton<NodeRound>();
        services.TryAddSingleton<LeaseStore>();
        services.TryAddSingleton<ReadAhead>();
        services.TryAddSingleton<Settler>();
        services.TryAddSingleton<DeferredStore>();
        services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<PumpServices>(provider, new Random()));
        services.TryAddSingleton<Pumps>();
        services.TryAddSingleton<StreamControl>();

        services.TryAddSingleton<AddressPolicy>();
        services.TryAddSingleton<LookUp>(System.Net.Dns.GetHostAddresses);
        services.TryAddSingleton<HostResolver>();
        services.TryAddSingleton(TrustedRoots.OfTheMachine);
        services.TryAddSingleton<TlsHandshake>();
        services.TryAddSingleton<GuardedConnection>();
        services.TryAddSingleton<DatabaseClock>();
        services.TryAddSingleton<WebhookSender>();
        services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<EgressWatch>(provider, new Random()));
        services.AddHttpClient(WebhookSender.ClientName)
            .ConfigurePrimaryHttpMessageHandler(provider => provider.GetRequiredService<GuardedConnection>().CreateHandler())
            // The handler renews its connections by itself; a new one every few minutes would only break them off.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            // URLs may hold a customer's tokens.
            .RemoveAllLoggers();

        services.TryAddSingleton<EndpointTallies>();
        services.TryAddSingleton<StatisticsWriter>();
        services.TryAddSingleton<IWebhookStatistics, WebhookStatistics>();

        services.TryAddSingleton<ReceiverAuthentication>();
        services.TryAddSingleton<FeedReader>();
        services.TryAddSingleton<FeedRequests>();

        services.TryAddSingleton<ApiKeys>();
        services.TryAddSingleton<ApiKeyStore>();
        services.TryAddSingleton<IWebhookApiKeys>(provider => provider.GetRequiredService<ApiKeyStore>());
        services.TryAddSingleton<ApiLimits>();
        services.TryAddSingleton<ApplicationGate>();
        services.TryAddSingleton<EventIntake>();
        services.TryAddSingleton<EventReader>();
        services.TryAddSingleton<ApiAnswers>();
        services.TryAddSingleton<ApiPipeline>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, AttemptsApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, ApplicationsApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, EventsApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, EventTypesApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, TasksApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, KeysApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, AuditApi>());
        services.TryAddSingleton<EndpointRecords>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, EndpointsApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, EndpointActsApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, EndpointFeedApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, EndpointTestApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IApiResource, StatisticsApi>());

        services.TryAddSingleton<DispatcherWork>();
        services.AddHostedService<DispatcherStartup>();
        services.AddHostedService<EgressReporter>();
        services.AddHostedService<StatisticsWorker>();
        services.TryAddSingleton<DispatcherLoops>();
        services.TryAddSingleton<IDispatcherHost, InBoxWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<IDispatcherHost>());
        services.TryAddSingleton<OperationsLog>();
        services.TryAddSingleton<OperationsWebhooks>();
        services.AddHostedService<ObserverWorker>();
        services.TryAddSingleton<WebhookTasks>();
        return new Builder(services);
    }

    /// <summary>Adds the dispatcher with settings from configuration, such as the section <c>Webhooks</c>.</summary>
    /// <inheritdoc cref="AddWebhookDispatcher(IServiceCollection, Action{WebhookDispatcherOptions})"/>
    public static IWebhookDispatcherBuilder AddWebhookDispatcher(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return services.AddWebhookDispatcher(options => configuration.Bind(options));
    }

    /// <summary>Adds a health check of the dispatcher: database, rounds of the worker, clock.</summary>
    /// <param name="builder">The application's health checks.</param>
    /// <param name="name">Its name; default <c>webhook-dispatcher</c>.</param>
    public static IHealthChecksBuilder AddWebhookDispatcherCheck(this IHealthChecksBuilder builder, string name = "webhook-dispatcher")
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(name, provider => ActivatorUtilities.CreateInstance<DispatcherHealthCheck>(provider), null, null));
    }

    private sealed record Builder(IServiceCollection Services) : IWebhookDispatcherBuilder;

    private sealed class OptionsRules : IValidateOptions<WebhookDispatcherOptions>
    {
        public ValidateOptionsResult Validate(string? name, WebhookDispatcherOptions options)
        {
            var problems = options.Problems().ToList();
            return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
        }
    }
}
