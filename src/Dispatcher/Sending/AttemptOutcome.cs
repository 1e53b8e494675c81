namespace Webhooks.Dispatcher.Sending;

/// <summary>How an attempt ended. The same words are metric tags, log fields and stored evidence.</summary>
internal enum AttemptOutcome
{
    Delivered,
    Gone,
    Throttled,
    Unavailable,
    HttpError,
    Redirected,
    TimedOut,
    DnsFailed,
    ConnectTimedOut,
    ConnectFailed,
    TlsFailed,
    ConnectionReset,
    InvalidResponse,
    ResponseTooLarge,
    AddressRefused,
}

/// <summary>An attempt and what came of it.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="StatusCode">The answer's status, when there was an answer.</param>
/// <param name="RetryAfter">What the answer asked to wait.</param>
/// <param name="Detail">For people: the error, or the beginning of the answer.</param>
internal sealed record AttemptResult(AttemptOutcome Outcome, int? StatusCode = null, TimeSpan? RetryAfter = null, string Detail = "")
{
    /// <summary>When it began, by the database's clock.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }
}

internal static class AttemptOutcomes
{
    /// <summary>The outcome as one lower-case word with underscores.</summary>
    public static string Word(this AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.Delivered => "delivered",
        AttemptOutcome.Gone => "gone",
        AttemptOutcome.Throttled => "throttled",
        AttemptOutcome.Unavailable => "unavailable",
        AttemptOutcome.HttpError => "http_error",
        AttemptOutcome.Redirected => "redirected",
        AttemptOutcome.TimedOut => "timed_out",
        AttemptOutcome.DnsFailed => "dns_failed",
        AttemptOutcome.ConnectTimedOut => "connect_timed_out",
        AttemptOutcome.ConnectFailed => "connect_failed",
        AttemptOutcome.TlsFailed => "tls_failed",
        AttemptOutcome.ConnectionReset => "connection_reset",
        AttemptOutcome.InvalidResponse => "invalid_response",
        AttemptOutcome.ResponseTooLarge => "response_too_large",
        AttemptOutcome.AddressRefused => "address_refused",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };
}
