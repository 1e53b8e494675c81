using System.Diagnostics;
using System.Globalization;
using System.Net;
using Webhooks.Dispatcher;
using Webhooks.Signing;

namespace Webhooks.Bench.Backlog;

/// <summary>
/// Reads one endpoint's feed as a receiver does: each request signed, each answer verified before it is believed, ten requests a second at most.
/// </summary>
internal sealed class FeedStream(HttpClient client, WebhookEndpointId endpoint, WebhookSecret secret)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private readonly WebhookSecret[] _secrets = [secret];

    /// <summary>Reads on from <paramref name="after"/> until so many events have been read, or the stream ends; gives how many.</summary>
    /// <exception cref="InvalidOperationException">An answer was not verified, or not what was asked for.</exception>
    public async Task<int> ReadAsync(long after, int events, CancellationToken cancel)
    {
        var read = 0;
        while (read < events)
        {
            var began = Stopwatch.GetTimestamp();
            var page = await ReadPageAsync(after + read, Math.Min(1000, events - read), cancel);
            if (page == 0) return read;
            read += page;
            var rest = Pace - Stopwatch.GetElapsedTime(began);
            if (read < events && rest > TimeSpan.Zero) await Task.Delay(rest, cancel);
        }

        return read;
    }

    /// <summary>Reads one page; gives how many events it holds.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    public async Task<int> ReadPageAsync(long after, int limit, CancellationToken cancel)
    {
        while (true)
        {
            var id = "req_" + Guid.NewGuid().ToString("N");
            var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            using var request = new HttpRequestMessage(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"v1/endpoints/{endpoint}/events?after={after}&limit={limit}"));
            request.Headers.Add(WebhookHeaders.Id, id);
            request.Headers.Add(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, SignedContent.FeedRequest(endpoint.Value, after, limit), _secrets));
            using var response = await client.SendAsync(request, cancel);
            if (response.StatusCode == HttpStatusCode.TooManyRequests)
            {
                await Task.Delay(Pace, cancel);
                continue;
            }

            var body = await response.Content.ReadAsByteArrayAsync(cancel);
            if (response.StatusCode != HttpStatusCode.OK) throw new InvalidOperationException($"The feed answered {(int)response.StatusCode}.");
            var verified = WebhookVerifier.Verify(
                Header(response, WebhookHeaders.Id), Header(response, WebhookHeaders.Timestamp), Header(response, WebhookHeaders.Signature), body, _secrets,
                DateTimeOffset.UtcNow, prefix: SignedContent.AnswerPrefix(id));
            var count = FeedPageCheck.CountInOrder(body, after);
            return verified.IsValid && count >= 0 ? count : throw new InvalidOperationException($"An answer of the feed after {after}: {verified.Status}, {count} events in order.");
        }
    }

    private static string Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.Single() : "";
}
