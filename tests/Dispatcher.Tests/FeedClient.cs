using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Tests;

/// <summary>An answer of the feed.</summary>
internal sealed record FeedResult(HttpStatusCode Status, JsonElement Body, string RequestId, HttpResponseMessage Response, byte[] Bytes)
{
    public string Code => Body.GetProperty("error").GetProperty("code").GetString()!;

    public long[] Seqs => [.. Body.GetProperty("data").EnumerateArray().Select(item => item.GetProperty("seq").GetInt64())];

    public bool Verifies(params ReadOnlySpan<WebhookSecret> secrets) =>
        WebhookVerifier.Verify(
            Header(WebhookHeaders.Id), Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), Bytes, secrets, DateTimeOffset.UtcNow,
            prefix: SignedContent.AnswerPrefix(RequestId)).IsValid;

    public string Header(string name) => Response.Headers.TryGetValues(name, out var values) ? values.Single() : "";
}

/// <summary>Asks a platform's feed as a receiver would.</summary>
internal sealed class FeedClient(Platform platform, EndpointId endpoint, params WebhookSecret[] secrets) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = platform.Url };

    public Task<FeedResult> ReadAsync(long after, int limit = 100, byte[]? signed = null, string? query = null, string? id = null) => SendAsync(
        new HttpRequestMessage(HttpMethod.Get, $"/v1/endpoints/{endpoint}/events{query ?? $"?after={after}&limit={limit}"}"),
        signed ?? SignedContent.FeedRequest(endpoint.Value, after, limit), id);

    public Task<FeedResult> ResumeAsync(long after, int epoch = 1, string? id = null, string? body = null) => SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/v1/endpoints/{endpoint}/resume")
        {
            Content = new StringContent(body ?? string.Create(CultureInfo.InvariantCulture, $"{{\"after\":{after}}}"), Encoding.UTF8, "application/json"),
        },
        SignedContent.ResumeRequest(endpoint.Value, epoch, after), id);

    public async Task<FeedResult> SendAsync(HttpRequestMessage request, byte[] signed, string? id = null)
    {
        id ??= "req-" + Guid.NewGuid().ToString("N");
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        request.Headers.Add(WebhookHeaders.Id, id);
        request.Headers.Add(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, signed, secrets));
        var response = await _http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        using var body = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 1000 });
        return new FeedResult(response.StatusCode, body.RootElement.Clone(), id, response, bytes);
    }

    public void Dispose() => _http.Dispose();
}
