using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>
/// One line for each request that is not taken, whatever the reason: what it was answered, the reason's word as in the metrics, and the fingerprints of the
/// live secrets, to be compared with those at the sender; where the signature is wrong, that of the body, too. Never a secret, a signature or anything of
/// the body itself.
/// </summary>
internal sealed partial class WebhookIntake
{
    /// <summary>Who sent it can tell by this whether it is what was signed, and nobody can tell what it is.</summary>
    private static string FingerprintOf(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 4));

    [LoggerMessage(200, LogLevel.Warning,
        "A request to webhook source {Source} was answered {Status}: {Reason} (stated length {Length}; live secrets {Fingerprints})")]
    private partial void LogRefused(string source, int status, string reason, long? length, string fingerprints);

    [LoggerMessage(201, LogLevel.Warning,
        "A request to webhook source {Source} was answered {Status}: {Reason} (body of {Length} bytes, SHA-256 {BodyFingerprint}…; live secrets {Fingerprints})")]
    private partial void LogUnverified(string source, int status, string reason, int length, string bodyFingerprint, string fingerprints);

    [LoggerMessage(202, LogLevel.Warning,
        "A request to webhook source {Source} was answered {Status}: {Reason}, for {Why}; its signature is right (body of {Length} bytes; live secrets {Fingerprints})")]
    private partial void LogMalformed(string source, int status, string reason, string why, int length, string fingerprints);

    [LoggerMessage(203, LogLevel.Error,
        "A request to webhook source {Source} was answered {Status}: {Reason}. The body was read before the receiver could: something in this application (a filter, a form reader, request logging) consumes it, so its signature cannot be verified (stated length {Length}; live secrets {Fingerprints})")]
    private partial void LogConsumed(string source, int status, string reason, long? length, string fingerprints);

    [LoggerMessage(208, LogLevel.Warning,
        "A request to webhook source {Source} was answered {Status}: {Reason}. If its sender did send a body, something in this application read it before the receiver could (stated length {Length}; live secrets {Fingerprints})")]
    private partial void LogEmpty(string source, int status, string reason, long? length, string fingerprints);

    [LoggerMessage(204, LogLevel.Error,
        "A request to webhook source {Source} was answered {Status}: {Reason}, and so are others until the inbox is back (live secrets {Fingerprints})")]
    private partial void LogUnavailable(Exception exception, string source, int status, string reason, string fingerprints);

    [LoggerMessage(205, LogLevel.Error,
        "A request to webhook source {Source} was answered {Status}: {Reason}. It is verified and names endpoint {Endpoint}, which is not the source's own (live secrets {Fingerprints})")]
    private partial void LogOtherEndpoint(string source, int status, string reason, string endpoint, string fingerprints);

    [LoggerMessage(206, LogLevel.Critical,
        "A request to webhook source {Source} was answered {Status}: {Reason}. Event {EventId} came as number {Seq} of epoch {Epoch}, which another event has; the stream is blocked (live secrets {Fingerprints})")]
    private partial void LogConflict(string source, int status, string reason, int epoch, long seq, string eventId, string fingerprints);

    [LoggerMessage(207, LogLevel.Error,
        "A request to webhook source {Source} was answered {Status}: {Reason}. The inbox holds its limit of {Limit} waiting events (live secrets {Fingerprints})")]
    private partial void LogFull(string source, int status, string reason, int limit, string fingerprints);

    // Without the name: it is anybody's text.
    [LoggerMessage(209, LogLevel.Warning, "A request to a webhook source that there is not was answered {Status}: {Reason}")]
    private partial void LogUnknown(int status, string reason);
}
