using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Api;
using Webhooks.Signing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the management API.</summary>
public static class WebhookDispatcherEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps the management API and the feed. Every route asks for an API key of its own (<c>IWebhookApiKeys</c>) and for nothing of the host's authorization; whatever
    /// is wrong below the prefix, an unknown path too, is answered in the API's own shape.
    /// </summary>
    /// <remarks>
    /// The OpenAPI document of it stands at <c>/openapi/v1.json</c> and <c>{prefix}/openapi.json</c>, a page of it at <c>/openapi/</c>; neither needs a key, and routes of the host
    /// with the same path go before them.
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">What stands before; default <c>/v1</c>.</param>
    /// <exception cref="InvalidOperationException"><c>AddWebhookDispatcher</c> was not called.</exception>
    public static IEndpointConventionBuilder MapWebhookDispatcher(this IEndpointRouteBuilder endpoints, string prefix = "/v1")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var pipeline = endpoints.ServiceProvider.GetService<ApiPipeline>()
            ?? throw new InvalidOperationException("MapWebhookDispatcher needs the dispatcher: call services.AddWebhookDispatcher(…) first.");
        var group = endpoints.MapGroup(prefix);
        var routes = endpoints.ServiceProvider.GetServices<IApiResource>().SelectMany(resource => resource.Routes).ToList();
        foreach (var route in routes)
        {
            RequestDelegate withKey = http => pipeline.RunAsync(http, route);
            // What has an id to sign the answer to is a receiver's, whether it signs itself or sends a key.
            RequestDelegate serve = route.ByReceiver is { } byReceiver
                ? http => (http.Request.Headers.Authorization.Count > 0 && http.Request.Headers[WebhookHeaders.Id].Count == 0 ? withKey : byReceiver)(http)
                : withKey;
            group.MapMethods(route.Pattern, [route.Method], serve).WithDisplayName($"Webhooks: {route.Summary}");
        }

        foreach (var path in routes.GroupBy(route => route.Pattern))
        {
            // One without a method is taken when none of the others fits; the host would answer 405 without a body.
            var allowed = string.Join(", ", path.Select(route => route.Method));
            group.Map(path.Key, http =>
            {
                http.Response.Headers.Allow = allowed;
                return ApiPipeline.RefuseAsync(http, ApiProblem.MethodNotAllowed, $"{http.Request.Method} is not a method of this path, which takes {allowed}.");
            }).WithDisplayName("Webhooks: method not allowed");
        }

        group.MapFallback("{**rest}", http => ApiPipeline.RefuseAsync(http, ApiProblem.NotFound, "There is no such path.")).WithDisplayName("Webhooks: no such path");
        MapReference(endpoints, ApiDocument.Of(routes, prefix), prefix);
        group.WithMetadata(new AllowAnonymousAttribute(), new SkipStatusCodePages());
        return group;
    }

    /// <summary>The document says what any of its readers may know; it needs no key.</summary>
    private static void MapReference(IEndpointRouteBuilder endpoints, JsonObject document, string prefix)
    {
        var (json, page) = (ApiDocument.Write(document), ApiPage.Render(document));
        RequestDelegate answerJson = http => WriteAsync(http, "application/json", json);
        RequestDelegate answerPage = http => WriteAsync(http, "text/html; charset=utf-8", page);
        (string Path, RequestDelegate Answer)[] pages = [($"{prefix}/openapi.json", answerJson), ("/openapi/v1.json", answerJson), ("/openapi/", answerPage)];
        foreach (var (path, answer) in pages)
            // After the host's own: one that describes itself under the same address keeps it.
            endpoints.MapMethods(path, ["GET"], answer).WithDisplayName("Webhooks: reference").WithOrder(1).WithMetadata(new AllowAnonymousAttribute());
    }

    private static Task WriteAsync(HttpContext http, string contentType, byte[] body)
    {
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    private sealed class SkipStatusCodePages : ISkipStatusCodePagesMetadata;
}
