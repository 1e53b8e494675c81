using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Feed;

/// <summary>Knows a receiver by its signature: the same three headers and the same secrets as a delivery's, over other content.</summary>
internal sealed partial class ReceiverAuthentication(WebhookDatabase database, KeyRing keyRing, DatabaseClock clock, ILogger<ReceiverAuthentication> logger)
{
    /// <summary>The caller, or null when the request is not signed with a live secret of the endpoint.</summary>
    public async Task<FeedCaller?> VerifyAsync(HttpRequest request, WebhookEndpointId endpoint, byte[] content, CancellationToken cancel)
    {
        var headers = request.Headers;
        string?[] values = [Single(WebhookHeaders.Id), Single(WebhookHeaders.Timestamp), Single(WebhookHeaders.Signature)];
        var secrets = await ReadSecretsAsync(endpoint, cancel);
        var result = WebhookVerifier.Verify(values[0], values[1], values[2], content, secrets, clock.Now);
        if (result.IsValid) return new FeedCaller(values[0]!, secrets);
        LogRefused(endpoint.Value, result.Status);
        return null;

        string? Single(string name) => headers[name] is { Count: 1 } one ? one[0] : null;
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
