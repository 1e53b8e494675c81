using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Feed;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the feed.</summary>
public static class WebhookFeedEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps <c>GET {prefix}/endpoints/{endpoint}/events</c> and <c>POST {prefix}/endpoints/{endpoint}/resume</c>, by which receivers
    /// fetch what they miss and ask for delivery again. Both are signed with the endpoint's secret, so they need no other authorization; a receiver
    /// that holds only a public key, and so cannot sign, sends an API key instead.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">What stands before; default <c>/v1</c>. Receivers of this project ask for <c>v1/endpoints/…</c> below the address they are configured with, so it should end so.</param>
    /// <exception cref="InvalidOperationException"><c>AddWebhookDispatcher</c> was not called.</exception>
    public static IEndpointConventionBuilder MapWebhookFeed(this IEndpointRouteBuilder endpoints, string prefix = "/v1")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var feed = endpoints.ServiceProvider.GetService<FeedRequests>()
            ?? throw new InvalidOperationException("MapWebhookFeed needs the dispatcher: call services.AddWebhookDispatcher(…) first.");
        var group = endpoints.MapGroup(prefix);
        group.MapGet("/endpoints/{endpoint}/events", feed.ReadAsync).WithDisplayName("Webhook feed");
        group.MapPost("/endpoints/{endpoint}/resume", feed.ResumeAsync).WithDisplayName("Webhook resume");
        group.WithMetadata(new AllowAnonymousAttribute(), new SkipStatusCodePages());
        return group;
    }

    private sealed class SkipStatusCodePages : ISkipStatusCodePagesMetadata;
}
