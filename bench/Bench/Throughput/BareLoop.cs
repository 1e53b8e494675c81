using System.Diagnostics;
using Webhooks.Bench.Setup;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Throughput;

/// <summary>
/// What a delivery cannot do without: make a body, sign it, post it, see the answer. No database and no promise; the same bodies to the same sink.
/// </summary>
internal static class BareLoop
{
    /// <summary>
    /// Posts so many events, to the URLs in turn, so many at once: one after another for each URL, unless there are fewer URLs than posts at once.
    /// </summary>
    public static async Task<TimeSpan> RunAsync(Uri[] urls, int atOnce, int events, CancellationToken cancel)
    {
        using var poster = new SignedPoster();
        var endpoints = Array.ConvertAll(urls, _ => WebhookEndpointId.New().Value);
        var lanes = Math.Max(urls.Length, atOnce);
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(first => Task.Run(() => PostAsync(first), cancel)));
        return Stopwatch.GetElapsedTime(began);

        async Task PostAsync(int first)
        {
            for (var round = 0; round < events; round += lanes)
            {
                for (var n = round + first; n < Math.Min(events, round + lanes); n += atOnce)
                {
                    var id = WebhookEventId.New().Value;
                    var body = Payload.Envelope(id, endpoints[n % urls.Length], (n / urls.Length) + 1, n);
                    await poster.PostAsync(urls[n % urls.Length], id, body, cancel);
                }
            }
        }
    }
}
