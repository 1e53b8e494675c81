using System.Buffers;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Makes one attempt: signs, posts, reads the bounded answer, says what it means. Never throws for what an endpoint does.</summary>
internal sealed class WebhookSender(
    IHttpMessageHandlerFactory handlers, DatabaseClock clock, TimeProvider time, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics)
    : IDisposable
{
    public const string ClientName = "Webhooks.Dispatcher";

    private const int ExcerptChars = 500;
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    // Not an HttpClient: its timeout, default headers and tracking of pending requests are paid for at every attempt, and none is used.
    private readonly HttpMessageInvoker _invoker = new(handlers.CreateHandler(ClientName), disposeHandler: false);
    private readonly AttemptTimeouts _timeouts = new(options.Value.Sending.Timeout, time);

    public void Dispose()
    {
        _invoker.Dispose();
        _timeouts.Dispose();
    }

    public async Task<AttemptResult> SendAsync(
        Uri url, string id, ArraySegment<byte> body, WebhookSecret[] secrets, EndpointHeaders headers, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        var startedAt = clock.Now;
        using var activity = DispatcherDiagnostics.Source.StartActivity("webhooks.send", ActivityKind.Client);
        var limit = _timeouts.Rent(cancel);
        TimeSpan? answeredAfter = null;
        AttemptResult result;
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body.Array!, body.Offset, body.Count) };
        try
        {
            var timestamp = startedAt.ToUnixTimeSeconds();
            request.Content.Headers.ContentType = Json;
            request.Headers.TryAddWithoutValidation("User-Agent", options.Value.Sending.UserAgent);
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Id, id);
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Timestamp, timestamp.ToString(System.Globalization.CultureInfo.InvariantCulture));
            request.Headers.TryAddWithoutValidation(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, body, secrets));
            if (headers.Values.Count > 0)
                foreach (var (name, value) in headers.Values) request.Headers.TryAddWithoutValidation(name, value);
            using var response = await _invoker.SendAsync(request, limit.Token);
            answeredAfter = time.GetElapsedTime(began);
            result = await ReadAsync(response, headers, limit.Token);
        }
        catch (Exception exception) when (!cancel.IsCancellationRequested)
        {
            var outcome = OutcomeClassifier.Classify(exception, limit.IsOver);
            result = new AttemptResult(outcome, Detail: Fit(outcome switch
            {
                AttemptOutcome.TimedOut => $"No complete answer within {options.Value.Sending.Timeout}.",
                _ => ConnectFailure.In(exception)?.Message ?? Describe(exception),
            }, headers))
            {
                Answered = answeredAfter is not null,
            };
        }
        finally
        {
            _timeouts.Return(limit);
        }

        result = result with
        {
            StartedAt = startedAt,
            Duration = time.GetElapsedTime(began),
            Phases = result.Outcome == AttemptOutcome.Delivered ? null : AttemptPhases.Of(request, answeredAfter),
        };
        activity?.SetTag("webhooks.outcome", result.Outcome.Word());
        metrics.Attempted(result);
        return result;
    }

    private async Task<AttemptResult> ReadAsync(HttpResponseMessage response, EndpointHeaders headers, CancellationToken cancel)
    {
        var status = (int)response.StatusCode;
        var wait = OutcomeClassifier.RetryAfter(response.Headers, clock.Now);
        var outcome = OutcomeClassifier.Classify(status, wait is not null);
        if (status == 204 || response.Content.Headers.ContentLength is 0) return new AttemptResult(outcome, status, wait);

        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        // A refusal is one by its status, however its page goes on: 410 with an endless body is 410.
        if (outcome != AttemptOutcome.Delivered) return new AttemptResult(outcome, status, wait, await ReadExcerptAsync(stream, headers, cancel));

        var limit = options.Value.Sending.MaxResponseBytes;
        var answer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            for (var total = 0L; await stream.ReadAsync(answer, cancel) is var read and > 0;)
            {
                total += read;
                if (total > limit)
                    return new AttemptResult(AttemptOutcome.ResponseTooLarge, status, wait, $"The answer's body is longer than {limit} bytes.");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(answer);
        }

        return new AttemptResult(outcome, status, wait);
    }

    /// <summary>As much of a refusal's body as is kept, or as comes in the time there is. Some show what they were asked with: that is not kept.</summary>
    private static async Task<string> ReadExcerptAsync(Stream stream, EndpointHeaders headers, CancellationToken cancel)
    {
        var bytes = new byte[ExcerptChars + headers.LongestHidden];
        var kept = 0;
        try
        {
            for (int read; kept < bytes.Length && (read = await stream.ReadAsync(bytes.AsMemory(kept), cancel)) > 0;) kept += read;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // What came so far will do.
        }

        return Excerpt(headers.LongestHidden == 0 ? bytes.AsSpan(0, kept) : headers.Hide(bytes.AsSpan(0, kept), ExcerptChars));
    }

    /// <summary>An error in words: what is no HTTP is quoted in it as it came, zero bytes, credentials and all.</summary>
    private static string Fit(string error, EndpointHeaders headers) => Excerpt(headers.Hide(Encoding.UTF8.GetBytes(error), ExcerptChars));

    /// <summary>The beginning of an answer, fit for a log and for a text column, which takes no NUL.</summary>
    private static string Excerpt(ReadOnlySpan<byte> bytes) =>
        string.Concat(Encoding.UTF8.GetString(bytes).Select(c => char.IsControl(c) ? ' ' : c));

    private static string Describe(Exception exception)
    {
        var innermost = exception;
        while (innermost.InnerException is { } inner) innermost = inner;
        return exception.Message.Contains(innermost.Message, StringComparison.Ordinal) ? exception.Message : $"{exception.Message} {innermost.Message}";
    }
}
