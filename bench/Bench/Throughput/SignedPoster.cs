using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Webhooks.Signing;

namespace Webhooks.Bench.Throughput;

/// <summary>Signs and posts through the runtime's own handler, with nothing around it.</summary>
internal sealed class SignedPoster : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly WebhookSecret[] _secrets = [WebhookSecret.Generate()];
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
    });

    public async Task PostAsync(Uri url, string id, byte[] body, CancellationToken cancel)
    {
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = Json;
        request.Headers.TryAddWithoutValidation("User-Agent", "Webhooks/0.1");
        request.Headers.TryAddWithoutValidation(WebhookHeaders.Id, id);
        request.Headers.TryAddWithoutValidation(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, body, _secrets));
        using var response = await _invoker.SendAsync(request, cancel);
        if (response.StatusCode != HttpStatusCode.NoContent) throw new InvalidOperationException($"The sink answered {response.StatusCode}.");
    }

    public void Dispose() => _invoker.Dispose();
}
