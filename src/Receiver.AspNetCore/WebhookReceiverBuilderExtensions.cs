using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Webhooks.Receiver;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Says where a source's events are kept and who handles them.</summary>
public static class WebhookReceiverBuilderExtensions
{
    private const string Reflection = "Reads the data by reflection. Pass a JsonTypeInfo<T> instead.";

    /// <summary>Keeps the events in memory: for tests. What was answered 204 is gone with the process.</summary>
    public static IWebhookReceiverBuilder UseMemoryInbox(this IWebhookReceiverBuilder builder)
    {
        var inbox = new MemoryInbox();
        return builder.UseInbox(_ => inbox);
    }

    /// <summary>Keeps the events in an inbox of another kind.</summary>
    public static IWebhookReceiverBuilder UseInbox(this IWebhookReceiverBuilder builder, Func<IServiceProvider, IWebhookInbox> inbox)
    {
        Registration(builder).Inbox = inbox;
        return builder;
    }

    /// <summary>Has the source's secrets given by <typeparamref name="T"/>, of which there is one instance, beside those of the options.</summary>
    /// <exception cref="InvalidOperationException">There is a provider already.</exception>
    public static IWebhookReceiverBuilder AddSecretProvider<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IWebhookReceiverBuilder builder)
        where T : class, IWebhookSecretProvider
    {
        builder.Services.TryAddSingleton<T>();
        return AddSecretProvider(builder, services => services.GetRequiredService<T>());
    }

    /// <summary>Has the source's secrets given by a delegate, beside those of the options.</summary>
    /// <exception cref="InvalidOperationException">There is a provider already.</exception>
    public static IWebhookReceiverBuilder AddSecretProvider(
        this IWebhookReceiverBuilder builder, Func<IServiceProvider, CancellationToken, ValueTask<IReadOnlyList<WebhookSecretOptions>>> secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        return AddSecretProvider(builder, services => new DelegateSecretProvider(cancellationToken => secrets(services, cancellationToken)));
    }

    private static IWebhookReceiverBuilder AddSecretProvider(IWebhookReceiverBuilder builder, Func<IServiceProvider, IWebhookSecretProvider> provider)
    {
        var registration = Registration(builder);
        if (registration.SecretProvider is not null)
            throw new InvalidOperationException($"The webhook source \"{registration.Name}\" has a secret provider already.");
        registration.SecretProvider = provider;
        return builder;
    }

    /// <summary>Takes webhooks of GitHub. The secret is the one entered for the webhook; an event's type is its name, such as <c>push</c>.</summary>
    public static IWebhookReceiverBuilder FromGitHub(this IWebhookReceiverBuilder builder) => builder.UseScheme(new GitHubScheme());

    /// <summary>Takes webhooks of Stripe. The secret is that of the endpoint there, with its <c>whsec_</c>; an event's data is the whole event.</summary>
    public static IWebhookReceiverBuilder FromStripe(this IWebhookReceiverBuilder builder) => builder.UseScheme(new StripeScheme());

    /// <summary>
    /// Takes Slack's Events API, and answers its challenge. The secret is the app's signing secret; an event's type is that of the inner event, its data
    /// the whole body. Slash commands and interactive forms are no events and answered 415.
    /// </summary>
    public static IWebhookReceiverBuilder FromSlack(this IWebhookReceiverBuilder builder) => builder.UseScheme(new SlackScheme());

    /// <summary>Takes webhooks of Shopify in JSON. The secret is the app's client secret; an event's type is its topic, such as <c>orders/create</c>.</summary>
    public static IWebhookReceiverBuilder FromShopify(this IWebhookReceiverBuilder builder) => builder.UseScheme(new ShopifyScheme());

    /// <summary>Takes webhooks that are signed and named in another way than Standard Webhooks. Without a call that is what is taken.</summary>
    public static IWebhookReceiverBuilder UseScheme(this IWebhookReceiverBuilder builder, IWebhookScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        Registration(builder).Scheme = scheme;
        return builder;
    }

    /// <summary>Has events of a type read as <typeparamref name="T"/> and handled by <typeparamref name="THandler"/>, one instance for each attempt.</summary>
    [RequiresUnreferencedCode(Reflection)]
    [RequiresDynamicCode(Reflection)]
    public static IWebhookReceiverBuilder AddHandler<T, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IWebhookReceiverBuilder builder, string type)
        where THandler : class, IWebhookHandler<T>
    {
        builder.Services.TryAddScoped<THandler>();
        return builder.Handle<T>(type, Resolve<T, THandler>);
    }

    /// <summary>Has events of a type read as <typeparamref name="T"/> and handled by <typeparamref name="THandler"/>, one instance for each attempt.</summary>
    public static IWebhookReceiverBuilder AddHandler<T, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IWebhookReceiverBuilder builder, string type, JsonTypeInfo<T> json)
        where THandler : class, IWebhookHandler<T>
    {
        builder.Services.TryAddScoped<THandler>();
        return builder.Handle(type, json, Resolve<T, THandler>);
    }

    /// <summary>Has events of a type handled by a delegate.</summary>
    public static IWebhookReceiverBuilder Handle(
        this IWebhookReceiverBuilder builder, string type, Func<WebhookEvent, WebhookHandlerContext, CancellationToken, Task> handler)
    {
        Registration(builder).Handlers.Add(type, new HandlerCall(handler));
        return builder;
    }

    /// <summary>Has events of a type read as <typeparamref name="T"/> and handled by a delegate.</summary>
    [RequiresUnreferencedCode(Reflection)]
    [RequiresDynamicCode(Reflection)]
    public static IWebhookReceiverBuilder Handle<T>(
        this IWebhookReceiverBuilder builder, string type, Func<WebhookEvent<T>, WebhookHandlerContext, CancellationToken, Task> handler)
    {
        Registration(builder).Handlers.Add(type, HandlerTable.Typed(data => JsonSerializer.Deserialize<T>(data.Span, JsonSerializerOptions.Web), handler));
        return builder;
    }

    /// <summary>Has events of a type read as <typeparamref name="T"/> and handled by a delegate.</summary>
    public static IWebhookReceiverBuilder Handle<T>(
        this IWebhookReceiverBuilder builder, string type, JsonTypeInfo<T> json,
        Func<WebhookEvent<T>, WebhookHandlerContext, CancellationToken, Task> handler)
    {
        Registration(builder).Handlers.Add(type, HandlerTable.Typed(data => JsonSerializer.Deserialize(data.Span, json), handler));
        return builder;
    }

    /// <summary>Has every event that no other handler takes handled by <typeparamref name="THandler"/>, one instance for each attempt.</summary>
    public static IWebhookReceiverBuilder AddFallbackHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IWebhookReceiverBuilder builder)
        where THandler : class, IWebhookHandler
    {
        builder.Services.TryAddScoped<THandler>();
        return builder.HandleFallback((webhookEvent, context, cancellationToken) =>
            context.Services.GetRequiredService<THandler>().HandleAsync(webhookEvent, context, cancellationToken));
    }

    /// <summary>Has every event that no other handler takes handled by a delegate.</summary>
    public static IWebhookReceiverBuilder HandleFallback(
        this IWebhookReceiverBuilder builder, Func<WebhookEvent, WebhookHandlerContext, CancellationToken, Task> handler)
    {
        Registration(builder).Handlers.SetFallback(new HandlerCall(handler));
        return builder;
    }

    /// <summary>
    /// Has events with the same key handled one after the other, and others at the same time: sets <see cref="WebhookReceiverOptions.Ordering"/> to
    /// <see cref="ProcessingOrder.PerKey"/>.
    /// </summary>
    /// <param name="builder">The source.</param>
    /// <param name="key">
    /// Tells the key of an event of any type, from its data or type; null when it waits for no other. The same event must always have the same key. An
    /// exception counts as the handler's failure; until that event is settled, nothing after it is begun.
    /// </param>
    public static IWebhookReceiverBuilder ProcessPerKey(this IWebhookReceiverBuilder builder, Func<WebhookEvent, string?> key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Registration(builder).KeyOf = key;
        builder.Services.Configure<WebhookReceiverOptions>(builder.Name, options => options.Ordering = ProcessingOrder.PerKey);
        return builder;
    }

    /// <summary>Configures the HTTP client that reads the feed.</summary>
    public static IWebhookReceiverBuilder ConfigureFeedClient(this IWebhookReceiverBuilder builder, Action<IHttpClientBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(builder.Services.AddHttpClient(Registration(builder).FeedClient));
        return builder;
    }

    private static Task Resolve<T, THandler>(WebhookEvent<T> webhookEvent, WebhookHandlerContext context, CancellationToken cancellationToken)
        where THandler : class, IWebhookHandler<T> =>
        context.Services.GetRequiredService<THandler>().HandleAsync(webhookEvent, context, cancellationToken);

    private static SourceRegistration Registration(IWebhookReceiverBuilder builder) =>
        (builder as WebhookReceiverServiceCollectionExtensions.Builder)?.Registration
        ?? throw new ArgumentException("The builder is the one that AddWebhookReceiver gives.", nameof(builder));
}
