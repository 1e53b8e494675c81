using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Makes one attempt: signs, posts, reads the bounded answer, says what it means. Never throws for what an endpoint does.</summary>
internal sealed class WebhookSender(
    IHttpClientFactory clients, DatabaseClock clock, TimeProvider time, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics)
{
    public const string ClientName = "Webhooks.Dispatcher";

    private const int ExcerptChars = 500;
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    public async Task<AttemptResult> SendAsync(Uri url, Guid eventId, byte[] body, WebhookSecret[] secrets, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        var startedAt = clock.Now;
        using var activity = DispatcherDiagnostics.Source.StartActivity("webhooks.send", ActivityKind.Client);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(options.Value.Sending.Timeout);
        AttemptResult result;
        try
        {
            var id = new WebhookEventId(eventId).Value;
            var timestamp = startedAt.ToUnixTimeSeconds();
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = Json;
            request.Headers.TryAddWithoutValidation("User-Agent", options.Value.Sending.UserAgent);
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Id, id);
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Timestamp, timestamp.ToString(System.Globalization.CultureInfo.InvariantCulture));
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, body, secrets));
            var client = clients.CreateClient(ClientName);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            result = await ReadAsync(response, timeout.Token);
        }
        catch (Exception exception) when (!cancel.IsCancellationRequested)
        {
            var outcome = OutcomeClassifier.Classify(exception, timeout.IsCancellationRequested);
            result = new AttemptResult(outcome, Detail: outcome == AttemptOutcome.TimedOut ? $"No complete answer within {options.Value.Sending.Timeout}." : Describe(exception));
        }

        result = result with { StartedAt = startedAt, Duration = time.GetElapsedTime(began) };
        activity?.SetTag("webhooks.outcome", result.Outcome.Word());
        metrics.Attempted(result);
        return result;
    }

    private async Task<AttemptResult> ReadAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var status = (int)response.StatusCode;
        var wait = OutcomeClassifier.RetryAfter(response.Headers.RetryAfter, clock.Now);
        var outcome = OutcomeClassifier.Classify(status, wait is not null);
        if (status == 204 || response.Content.Headers.ContentLength is 0) return new AttemptResult(outcome, status, wait);

        var limit = options.Value.Sending.MaxResponseBytes;
        var answer = new byte[4096];
        var total = 0L;
        var kept = 0;
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        while (true)
        {
            // What does not fit the excerpt is read over, so that the connection can be used again, and counted.
            var room = kept < answer.Length ? answer.AsMemory(kept) : answer.AsMemory(ExcerptChars);
            var read = await stream.ReadAsync(room, cancel);
            if (read == 0) break;
            if (kept < answer.Length) kept += read;
            total += read;
            if (total > limit)
                return new AttemptResult(AttemptOutcome.ResponseTooLarge, status, wait, $"The answer's body is longer than {limit} bytes.");
        }

        return new AttemptResult(outcome, status, wait, outcome == AttemptOutcome.Delivered ? "" : Excerpt(answer.AsSpan(0, Math.Min(kept, ExcerptChars))));
    }

    /// <summary>The beginning of an answer, fit for a log and for a text column, which takes no NUL.</summary>
    private static string Excerpt(ReadOnlySpan<byte> bytes) =>
        string.Concat(Encoding.UTF8.GetString(bytes).Select(c => char.IsControl(c) ? ' ' : c));

    private static string Describe(Exception exception)
    {
        var innermost = exception;
        while (innermost.InnerException is { } inner) innermost = inner;
        return innermost == exception ? exception.Message : $"{exception.Message} {innermost.Message}";
    }
}
