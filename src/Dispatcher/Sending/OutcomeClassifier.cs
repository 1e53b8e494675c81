using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Webhooks.Dispatcher.Sending;

/// <summary>What an answer, or the lack of one, means for delivery; pure.</summary>
internal static class OutcomeClassifier
{
    public static readonly TimeSpan MinRetryAfter = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan MaxRetryAfter = TimeSpan.FromHours(1);

    /// <summary>Standard Webhooks: only 2xx is success, a redirect is a failure, 410 means stop.</summary>
    public static AttemptOutcome Classify(int statusCode, bool asksToWait) => statusCode switch
    {
        >= 200 and <= 299 => AttemptOutcome.Delivered,
        >= 300 and <= 399 => AttemptOutcome.Redirected,
        410 => AttemptOutcome.Gone,
        429 => AttemptOutcome.Throttled,
        503 when asksToWait => AttemptOutcome.Unavailable,
        _ => AttemptOutcome.HttpError,
    };

    /// <summary>Retry-After as seconds or as a date (RFC 9110, section 10.2.3), held between one second and one hour.</summary>
    public static TimeSpan? RetryAfter(RetryConditionHeaderValue? header, DateTimeOffset now)
    {
        var wait = header?.Delta ?? header?.Date - now;
        return wait is null ? null : TimeSpan.FromTicks(Math.Clamp(wait.Value.Ticks, MinRetryAfter.Ticks, MaxRetryAfter.Ticks));
    }

    /// <summary>The same of an answer's headers; a number of seconds that is too large for the parser is the most, not nothing.</summary>
    public static TimeSpan? RetryAfter(HttpResponseHeaders headers, DateTimeOffset now) =>
        headers.RetryAfter is { } known ? RetryAfter(known, now)
        : headers.TryGetValues("Retry-After", out var values) && values.ToArray() is [{ Length: > 0 } seconds] && seconds.All(char.IsAsciiDigit) ? MaxRetryAfter
        : null;

    public static AttemptOutcome Classify(Exception exception, bool timedOut)
    {
        if (ConnectFailure.In(exception) is { } failure) return failure.Outcome;
        if (timedOut) return AttemptOutcome.TimedOut;
        // Nobody else cancels: it is the handler, whose time for connecting to a proxy was up.
        if (exception is OperationCanceledException or TimeoutException) return AttemptOutcome.ConnectTimedOut;
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
            if (cause is AuthenticationException) return AttemptOutcome.TlsFailed;
        var error = exception switch
        {
            HttpRequestException request => request.HttpRequestError,
            // In the body of an answer.
            HttpIOException body => body.HttpRequestError,
            _ => (HttpRequestError?)null,
        };
        return error switch
        {
            HttpRequestError.NameResolutionError => AttemptOutcome.DnsFailed,
            HttpRequestError.ConnectionError when exception.InnerException is SocketException { SocketErrorCode: SocketError.TryAgain or SocketError.NoData or SocketError.HostNotFound } =>
                // A resolver that does not answer, or knows no address: the handler calls only an unknown name a failed resolution.
                AttemptOutcome.DnsFailed,
            HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError => AttemptOutcome.ConnectFailed,
            HttpRequestError.SecureConnectionError => AttemptOutcome.TlsFailed,
            HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.VersionNegotiationError => AttemptOutcome.InvalidResponse,
            HttpRequestError.ConfigurationLimitExceeded => AttemptOutcome.ResponseTooLarge,
            null when exception is not IOException => AttemptOutcome.InvalidResponse,
            _ => AttemptOutcome.ConnectionReset,
        };
    }
}
