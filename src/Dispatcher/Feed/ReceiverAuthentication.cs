using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Feed;

/// <summary>
/// Knows a receiver by its signature: the same three headers and the same secrets as a delivery's, over other content. One that holds only a public key cannot sign,
/// and is known by an API key that may see its endpoint; it has a <c>webhook-id</c>, too, which the answer's signature covers.
/// </summary>
internal sealed partial class ReceiverAuthentication(
    WebhookDatabase database, KeyRing keyRing, DatabaseClock clock, ApiKeys keys, ApiLimits limits, ILogger<ReceiverAuthentication> logger)
{
    /// <summary>The caller, or null when the request has neither the signature of a live secret of the endpoint nor a key that may see it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="endpoint">The endpoint that it asks about.</param>
    /// <param name="content">What it signs.</param>
    /// <param name="scope">What a key has to be allowed.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ApiException">There is a key, and it may not.</exception>
    public async Task<FeedCaller?> VerifyAsync(HttpContext http, WebhookEndpointId endpoint, byte[] content, string scope, CancellationToken cancel)
    {
        var headers = http.Request.Headers;
        string?[] values = [Single(WebhookHeaders.Id), Single(WebhookHeaders.Timestamp), Single(WebhookHeaders.Signature)];
        var secrets = await ReadSecretsAsync(endpoint, cancel);
        var result = WebhookVerifier.Verify(values[0], values[1], values[2], content, secrets, clock.Now);
        if (result.IsValid || (headers.Authorization.Count > 0 && SignedContent.IsValidId(values[0]) && await IsAllowedAsync(http, endpoint, scope, cancel)))
            return new FeedCaller(values[0]!, secrets);
        LogRefused(endpoint.Value, result.Status);
        return null;

        string? Single(string name) => headers[name] is { Count: 1 } one ? one[0] : null;
    }

    private async Task<bool> IsAllowedAsync(HttpContext http, WebhookEndpointId endpoint, string scope, CancellationToken cancel)
    {
        var caller = await keys.AuthenticateAsync(http.Request, cancel);
        await limits.CountRequestAsync(caller, http.Response, cancel);
        if (!caller.Scopes.Contains(scope)) throw new ApiException(ApiProblem.Forbidden, $"This needs a key with the scope {scope}.");
        await using var see = database.Command("Api/see_endpoint", endpoint.Value, caller.Organization, caller.Application, caller.Endpoint);
        return await see.ExecuteScalarAsync(cancel) is not null;
    }

    private async Task<WebhookSecret[]> ReadSecretsAsync(WebhookEndpointId endpoint, CancellationToken cancel)
    {
        var secrets = new List<WebhookSecret>();
        await using var command = database.Command("Feed/secrets", endpoint.Value);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) secrets.Add(keyRing.Unprotect(reader.GetFieldValue<byte[]>(0)));
        return [.. secrets];
    }

    [LoggerMessage(1, LogLevel.Information, "A feed request for {Endpoint} was refused: {Status}", EventName = "FeedRequestRefused")]
    private partial void LogRefused(string endpoint, VerificationStatus status);
}
