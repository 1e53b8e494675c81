using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>
/// Reads the sender's feed, and asks for delivery again. Requests are signed with every live secret that can, or bear an API key; answers are verified before a word of
/// them is believed.
/// </summary>
internal sealed class FeedClient(Func<HttpClient> clients, TimeProvider time)
{
    /// <summary>A page ends at 4 MiB, or after one event that is larger by itself; this is out of reach of both.</summary>
    private const int MaxAnswerBytes = 32 * 1024 * 1024;

    public async Task<FeedAnswer> ReadAsync(
        ReceiverSettings.InForce settings, string endpoint, long after, int limit, CancellationToken cancellationToken)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"v1/endpoints/{Uri.EscapeDataString(endpoint)}/events?after={after}&limit={limit}");
        using var request = Request(HttpMethod.Get, settings, path, SignedContent.FeedRequest(endpoint, after, limit), out var id);
        using var timer = Timer(settings, cancellationToken, out var either);
        using (either)
        {
            try
            {
                using var response = await clients().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
                var status = (int)response.StatusCode;
                if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.Gone or HttpStatusCode.Forbidden))
                    return new FeedAnswer(OutcomeOf(response.StatusCode), status, RetryAfter(response));
                var body = await ReadBodyAsync(response, either.Token).ConfigureAwait(false);
                return body is null ? new FeedAnswer(FeedOutcome.Malformed, status) : Judge(settings, response, id, endpoint, body);
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return new FeedAnswer(FeedOutcome.Unreachable);
            }
        }
    }

    public async Task<(ResumeOutcome Outcome, TimeSpan? RetryAfter)> ResumeAsync(
        ReceiverSettings.InForce settings, string endpoint, int epoch, long after, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, settings, $"v1/endpoints/{Uri.EscapeDataString(endpoint)}/resume", SignedContent.ResumeRequest(endpoint, epoch, after), out var id);
        request.Content = new StringContent(string.Create(CultureInfo.InvariantCulture, $$"""{"after":{{after}}}"""), Encoding.UTF8, "application/json");
        using var timer = Timer(settings, cancellationToken, out var either);
        using (either)
        {
            try
            {
                using var response = await clients().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
                // Of all but one only the status is believed: a forged one can do no more than let us look again. That asking is of no use,
                // though, would be believed until the state changes, so it has to be signed.
                return (response.StatusCode switch
                {
                    HttpStatusCode.OK => ResumeOutcome.Resumed,
                    HttpStatusCode.Conflict when await ReadBodyAsync(response, either.Token).ConfigureAwait(false) is { } body
                        && IsVerified(settings, response, id, body, time.GetUtcNow()) => ResumeOutcome.NotPossible,
                    HttpStatusCode.Forbidden => ResumeOutcome.Forbidden,
                    HttpStatusCode.TooManyRequests => ResumeOutcome.Throttled,
                    _ => ResumeOutcome.Failed,
                }, RetryAfter(response));
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return (ResumeOutcome.Failed, null);
            }
        }
    }

    private FeedAnswer Judge(ReceiverSettings.InForce settings, HttpResponseMessage response, string requestId, string endpoint, byte[] body)
    {
        var status = (int)response.StatusCode;
        var now = time.GetUtcNow();
        // A refusal may be unsigned, when the sender has no secret left to sign with or somebody between refuses; it is told, and changes nothing here.
        if (!IsVerified(settings, response, requestId, body, now))
            return new FeedAnswer(status == 200 ? FeedOutcome.Unverified : FeedOutcome.Refused, status, RetryAfter(response));
        if (status == 403) return new FeedAnswer(FeedOutcome.Forbidden, status);
        var page = FeedPageReader.Read(body, now);
        if (status == 410 && page is not { ErrorCode: "range_expired" }) return new FeedAnswer(FeedOutcome.EndpointDeleted, status);
        if (page is null || (status == 200 && page.Endpoint != endpoint)) return new FeedAnswer(FeedOutcome.Malformed, status);
        return new FeedAnswer(status == 200 ? FeedOutcome.Page : FeedOutcome.RangeExpired, status, null, page);
    }

    private static bool IsVerified(ReceiverSettings.InForce settings, HttpResponseMessage response, string requestId, byte[] body, DateTimeOffset now) =>
        WebhookVerifier.Verify(
            Header(response, WebhookHeaders.Id), Header(response, WebhookHeaders.Timestamp), Header(response, WebhookHeaders.Signature), body,
            settings.Secrets.At(now).Standard, now, settings.Options.TimestampTolerance, SignedContent.AnswerPrefix(requestId)).IsValid;

    private HttpRequestMessage Request(HttpMethod method, ReceiverSettings.InForce settings, string path, byte[] content, out string id)
    {
        var root = settings.Options.FeedBaseAddress!;
        // An address without a slash at its end would lose its last part.
        if (!root.AbsolutePath.EndsWith('/')) root = new Uri(root.AbsoluteUri + "/");
        var now = time.GetUtcNow();
        id = "req_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var timestamp = now.ToUnixTimeSeconds();
        var secrets = settings.Secrets.At(now).Signing;
        var request = new HttpRequestMessage(method, new Uri(root, path));
        request.Headers.Add(WebhookHeaders.Id, id);
        request.Headers.Add(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
        if (secrets.Length > 0) request.Headers.Add(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, content, secrets));
        if (settings.Options.FeedApiKey is { } key) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        return request;
    }

    private CancellationTokenSource Timer(ReceiverSettings.InForce settings, CancellationToken cancellationToken, out CancellationTokenSource either)
    {
        var timer = new CancellationTokenSource(settings.Options.FeedTimeout, time);
        either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        return timer;
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var buffer = new byte[64 * 1024];
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (body.Length + read > MaxAnswerBytes) return null;
                body.Write(buffer, 0, read);
            }
        }

        return body.ToArray();
    }

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) && values.Take(2).ToArray() is [var only] ? only : "";

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };

    private static FeedOutcome OutcomeOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized => FeedOutcome.Unauthorized,
        HttpStatusCode.TooManyRequests => FeedOutcome.Throttled,
        _ => FeedOutcome.Refused,
    };
}
