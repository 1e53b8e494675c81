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
    TlsExpired,
    TlsWrongHost,
    TlsUntrusted,
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

    /// <summary>Of a failed one, how long its parts took, in milliseconds as a JSON object; null when nothing is known.</summary>
    public string? Phases { get; init; }

    /// <summary>Whether the beginning of an answer came, whatever happened then.</summary>
    public bool Answered { get; init; } = StatusCode is not null;

    /// <summary>
    /// Whether it failed before anything of an answer came, in a way that the network of this node could be the cause of. A silent endpoint is one
    /// of them: over a connection that was made before, a network that is cut shows as silence. An address that is refused is not: that is our own policy.
    /// </summary>
    public bool IsConnectionFailure => !Answered && Outcome is AttemptOutcome.TimedOut or AttemptOutcome.DnsFailed or AttemptOutcome.ConnectTimedOut
        or AttemptOutcome.ConnectFailed or AttemptOutcome.TlsExpired or AttemptOutcome.TlsWrongHost or AttemptOutcome.TlsUntrusted or AttemptOutcome.TlsFailed
        or AttemptOutcome.ConnectionReset;
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
        AttemptOutcome.TlsExpired => "tls_expired",
        AttemptOutcome.TlsWrongHost => "tls_wrong_host",
        AttemptOutcome.TlsUntrusted => "tls_untrusted",
        AttemptOutcome.TlsFailed => "tls_failed",
        AttemptOutcome.ConnectionReset => "connection_reset",
        AttemptOutcome.InvalidResponse => "invalid_response",
        AttemptOutcome.ResponseTooLarge => "response_too_large",
        AttemptOutcome.AddressRefused => "address_refused",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };
}
