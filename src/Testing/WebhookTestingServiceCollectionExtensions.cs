using Microsoft.Extensions.DependencyInjection.Extensions;
using Webhooks.Receiver;
using Webhooks.Testing;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts a receiver under test.</summary>
public static class WebhookTestingServiceCollectionExtensions
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Longer = TimeSpan.FromMilliseconds(200);

    /// <summary>Records what the application's receivers handle.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="probe">What records it; null for a new one.</param>
    /// <returns>The probe, which the application's services give, too.</returns>
    public static WebhookProbe AddWebhookProbe(this IServiceCollection services, WebhookProbe? probe = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        probe ??= new WebhookProbe();
        services.RemoveAll<IEventWatch>();
        services.AddSingleton(probe);
        services.AddSingleton<IEventWatch>(probe);
        return probe;
    }

    /// <summary>
    /// Has a source take the events of a test sender: its secrets in place of all configured ones, its endpoint, and its feed in memory. The waits of
    /// gap, feed and handlers become so short that a test need not know of them.
    /// </summary>
    /// <param name="services">The application's services, after <c>AddWebhookReceiver</c>.</param>
    /// <param name="source">The source's name.</param>
    /// <param name="sender">The sender.</param>
    /// <param name="feedAddress">
    /// Where the feed is, when it is to be read over sockets: what <see cref="TestFeed.ListenAsync"/> gave. Null for the feed in memory.
    /// </param>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    public static IServiceCollection UseTestSender(this IServiceCollection services, string source, TestSender sender, Uri? feedAddress = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(sender);
        var registration = services.Select(known => known.ImplementationInstance).OfType<SourceRegistration>().FirstOrDefault(known => known.Name == source)
            ?? throw new ArgumentException($"There is no webhook source \"{source}\". Call AddWebhookReceiver first.", nameof(source));
        if (feedAddress is null) services.AddHttpClient(registration.FeedClient).ConfigurePrimaryHttpMessageHandler(sender.Feed.CreateHandler);
        return services.PostConfigure<WebhookReceiverOptions>(source, options =>
        {
            options.Secrets.Clear();
            for (var i = 0; i < sender.Secrets.Count; i++) options.Secrets.Add($"test{i + 1}", sender.Secrets[i].Reveal());
            options.Endpoint = sender.Endpoint;
            options.FeedBaseAddress = feedAddress ?? new Uri("http://feed.test/");
            (options.GapGrace, options.PausedProbeInterval) = (Short, Longer);
            (options.FeedRetryMin, options.FeedRetryMax) = (Short, Longer);
            (options.HandlerRetryMin, options.HandlerRetryMax) = (Short, Longer);
        });
    }
}
