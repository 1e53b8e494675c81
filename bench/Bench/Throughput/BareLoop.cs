using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Webhooks.Bench.Setup;
using Webhooks.Dispatcher;
using Webhooks.Signing;

namespace Webhooks.Bench.Throughput;

/// <summary>
/// What a delivery cannot do without: make a body, sign it, post it, see the answer. No database and no promise; the same bodies to the same
/// sink, one after another for each endpoint, through the runtime's own handler with nothing around it.
/// </summary>
internal static class BareLoop
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>Posts so many events, spread over the URLs.</summary>
    public static async Task<TimeSpan> RunAsync(Uri[] urls, int events, CancellationToken cancel)
    {
        using var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
        };
        using var invoker = new HttpMessageInvoker(handler);
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(urls.Select((url, i) => Task.Run(() => PostAsync(invoker, url, i, urls.Length, events, cancel), cancel)));
        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task PostAsync(HttpMessageInvoker invoker, Uri url, int first, int step, int events, CancellationToken cancel)
    {
        var secrets = new[] { WebhookSecret.Generate() };
        var endpoint = WebhookEndpointId.New().Value;
        var seq = 0;
        for (var n = first; n < events; n += step)
        {
            var id = WebhookEventId.New().Value;
            var body = Payload.Envelope(id, endpoint, ++seq, n);
            var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = Json;
            request.Headers.TryAddWithoutValidation("User-Agent", "Webhooks/0.1");
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Id, id);
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, body, secrets));
            using var response = await invoker.SendAsync(request, cancel);
            if (response.StatusCode != HttpStatusCode.NoContent) throw new InvalidOperationException($"The sink answered {response.StatusCode}.");
        }
    }
}
