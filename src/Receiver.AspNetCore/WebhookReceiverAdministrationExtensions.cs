using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the endpoints from which somebody looks after a receiver.</summary>
public static class WebhookReceiverAdministrationExtensions
{
    /// <summary>
    /// Maps status, lists and acts of all sources as JSON, for those only whom the application's authorization lets in. Each change is a POST with
    /// <c>Content-Type: application/json</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path that they lie under, such as <c>/admin/webhooks</c>.</param>
    /// <param name="policy">The authorization policy; null for the application's default one, which asks for a signed-in user.</param>
    /// <exception cref="InvalidOperationException">The application has no authorization, no authentication, or no such policy.</exception>
    public static IEndpointConventionBuilder MapWebhookReceiverAdministration(this IEndpointRouteBuilder endpoints, string pattern, string? policy = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var services = endpoints.ServiceProvider;
        if (services.GetService<IAuthorizationPolicyProvider>() is not { } policies)
            throw new InvalidOperationException("The administration of webhook receivers asks for authorization. Call services.AddAuthorization and app.UseAuthorization.");
        // It answers from a table unless the application has replaced it, and the mapping of endpoints waits for nothing.
        var known = policy is null ? policies.GetDefaultPolicyAsync().GetAwaiter().GetResult() : policies.GetPolicyAsync(policy).GetAwaiter().GetResult();
        if (known is null) throw new InvalidOperationException($"There is no authorization policy \"{policy}\". Add it in services.AddAuthorization.");
        if (services.GetService<IAuthenticationSchemeProvider>() is null)
            throw new InvalidOperationException("The administration of webhook receivers asks who somebody is. Call services.AddAuthentication with a scheme.");
        var group = Map(endpoints, pattern);
        return policy is null ? group.RequireAuthorization() : group.RequireAuthorization(policy);
    }

    /// <summary>
    /// Maps the same endpoints for anybody who can reach them, whatever the application's fallback policy says: only for a port that nobody else reaches, with
    /// <c>RequireHost</c> and the port on what is returned.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path that they lie under.</param>
    public static IEndpointConventionBuilder MapWebhookReceiverAdministrationWithoutAuthorization(this IEndpointRouteBuilder endpoints, string pattern)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return Map(endpoints, pattern).AllowAnonymous();
    }

    private static RouteGroupBuilder Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        var status = endpoints.ServiceProvider.GetService<IWebhookReceiverStatus>()
            ?? throw new InvalidOperationException("There is no webhook source. Call services.AddWebhookReceiver first.");
        var answers = new AdministrationEndpoints(status, endpoints.ServiceProvider.GetRequiredService<IWebhookReceiverAdministration>());
        var group = endpoints.MapGroup(pattern);
        Get("/", answers.SourcesAsync);
        Get("/{source}", answers.StatusAsync);
        Get("/{source}/held", answers.HeldAsync);
        Get("/{source}/parked", answers.ParkedAsync);
        Get("/{source}/events/{id}", answers.FindAsync);
        Post("/{source}/events/{id}/retry", answers.RetryAsync);
        Post("/{source}/events/{id}/skip", answers.SkipAsync);
        Post("/{source}/events/{id}/discard", answers.DiscardAsync);
        Post("/{source}/unblock", answers.UnblockAsync);
        Post("/{source}/probe", answers.ProbeAsync);
        Post("/{source}/acknowledge", answers.AcknowledgeAsync);
        Post("/{source}/rewind", answers.RewindAsync);
        return group;

        void Get(string path, RequestDelegate answer) => group.MapGet(path, answer).WithMetadata(new SkipStatusCodePages()).WithDisplayName($"Webhook administration {path}");

        void Post(string path, RequestDelegate answer) => group.MapPost(path, answer).WithMetadata(new SkipStatusCodePages()).WithDisplayName($"Webhook administration {path}");
    }

    /// <summary>The answers say themselves what went wrong.</summary>
    private sealed class SkipStatusCodePages : ISkipStatusCodePagesMetadata;
}
