using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Receiver;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the endpoints that webhooks are sent to.</summary>
public static class WebhookReceiverEndpointRouteBuilderExtensions
{
    /// <summary>The route value that names the source in <see cref="MapWebhookReceiver(IEndpointRouteBuilder, string)"/>.</summary>
    public const string SourceRouteValue = "source";

    /// <summary>Maps one source.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path.</param>
    /// <param name="name">The source's name.</param>
    public static IEndpointConventionBuilder MapWebhookReceiver(this IEndpointRouteBuilder endpoints, string pattern, string name)
    {
        var (registry, intake) = Services(endpoints);
        var source = registry.Get(name);
        return Map(endpoints, pattern, context => intake.AnswerAsync(context, source), () => source.Settings.Options.MaxBodyBytes)
            .WithDisplayName($"Webhook receiver {name}");
    }

    /// <summary>Maps every source under a pattern with <c>{source}</c>; a name that is no source is answered 404.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path, such as <c>/hooks/{source}</c>.</param>
    public static IEndpointConventionBuilder MapWebhookReceiver(this IEndpointRouteBuilder endpoints, string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (!pattern.Contains($"{{{SourceRouteValue}", StringComparison.Ordinal))
            throw new ArgumentException($"The pattern of all sources holds {{{SourceRouteValue}}}; \"{pattern}\" does not.", nameof(pattern));
        var (registry, intake) = Services(endpoints);
        return Map(endpoints, pattern,
            context => intake.AnswerAsync(context, registry.Find(context.GetRouteValue(SourceRouteValue) as string)),
            () => registry.All.Max(source => source.Settings.Options.MaxBodyBytes))
            .WithDisplayName("Webhook receiver");
    }

    private static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, string pattern, RequestDelegate answer, Func<int> maxBytes) =>
        endpoints.MapPost(pattern, answer).WithMetadata(
            new AllowAnonymousAttribute(), new SkipStatusCodePages(), new NoAntiforgery(), new SizeLimit(maxBytes));

    private static (ReceiverRegistry Registry, WebhookIntake Intake) Services(IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var registry = endpoints.ServiceProvider.GetService<ReceiverRegistry>()
            ?? throw new InvalidOperationException("There is no webhook source. Call services.AddWebhookReceiver first.");
        return (registry, endpoints.ServiceProvider.GetRequiredService<WebhookIntake>());
    }

    /// <summary>A sender acts on the status; a page in its place, or a redirect to one, would be another answer.</summary>
    private sealed class SkipStatusCodePages : ISkipStatusCodePagesMetadata;

    /// <summary>The signature is what proves where a request comes from.</summary>
    private sealed class NoAntiforgery : IAntiforgeryMetadata
    {
        public bool RequiresValidation => false;
    }

    /// <summary>Read on each request, so that a changed limit holds.</summary>
    private sealed class SizeLimit(Func<int> maxBytes) : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => maxBytes();
    }
}
