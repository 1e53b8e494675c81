using Microsoft.AspNetCore.Http;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>What a request came to: its answer, and the word for it in log and metrics.</summary>
internal readonly record struct IntakeOutcome(int StatusCode, string Word)
{
    public static readonly IntakeOutcome Stored = new(StatusCodes.Status204NoContent, "stored");
    public static readonly IntakeOutcome Duplicate = new(StatusCodes.Status204NoContent, "duplicate");
    public static readonly IntakeOutcome Answered = new(StatusCodes.Status200OK, "answered");
    public static readonly IntakeOutcome MalformedEnvelope = new(StatusCodes.Status400BadRequest, "malformed_envelope");
    public static readonly IntakeOutcome DuplicateHeader = new(StatusCodes.Status400BadRequest, "duplicate_header");
    public static readonly IntakeOutcome LongHeader = new(StatusCodes.Status400BadRequest, "long_header");
    public static readonly IntakeOutcome OtherEndpoint = new(StatusCodes.Status400BadRequest, "other_endpoint");
    public static readonly IntakeOutcome BrokenBody = new(StatusCodes.Status400BadRequest, "broken_body");
    public static readonly IntakeOutcome EmptyBody = new(StatusCodes.Status400BadRequest, "empty_body");
    public static readonly IntakeOutcome SlowBody = new(StatusCodes.Status408RequestTimeout, "slow_body");
    public static readonly IntakeOutcome UnknownSource = new(StatusCodes.Status404NotFound, "unknown_source");
    public static readonly IntakeOutcome Conflict = new(StatusCodes.Status409Conflict, "stream_conflict");
    public static readonly IntakeOutcome TooLarge = new(StatusCodes.Status413PayloadTooLarge, "too_large");
    public static readonly IntakeOutcome MediaType = new(StatusCodes.Status415UnsupportedMediaType, "media_type");
    public static readonly IntakeOutcome ContentEncoding = new(StatusCodes.Status415UnsupportedMediaType, "content_encoding");
    public static readonly IntakeOutcome BodyConsumed = new(StatusCodes.Status500InternalServerError, "body_consumed");
    public static readonly IntakeOutcome Full = new(StatusCodes.Status503ServiceUnavailable, "inbox_full");
    public static readonly IntakeOutcome NoSecrets = new(StatusCodes.Status503ServiceUnavailable, "secrets_unavailable");
    public static readonly IntakeOutcome NoRoom = new(StatusCodes.Status503ServiceUnavailable, "bodies_full");
    public static readonly IntakeOutcome Unavailable = new(StatusCodes.Status503ServiceUnavailable, "inbox_unavailable");

    public static IntakeOutcome Of(StoreOutcome outcome) => outcome switch
    {
        StoreOutcome.Stored => Stored,
        StoreOutcome.Duplicate => Duplicate,
        StoreOutcome.Conflict => Conflict,
        StoreOutcome.OtherEndpoint => OtherEndpoint,
        _ => Full,
    };

    public static IntakeOutcome Of(BodyStatus status) => status switch
    {
        BodyStatus.TooLarge => TooLarge,
        BodyStatus.TooSlow => SlowBody,
        BodyStatus.Consumed => BodyConsumed,
        BodyStatus.Empty => EmptyBody,
        BodyStatus.NoRoom => NoRoom,
        _ => BrokenBody,
    };

    /// <summary>What cannot be read is malformed; what can be read and proves nothing is unauthorised.</summary>
    public static IntakeOutcome Of(VerificationStatus status) => status switch
    {
        VerificationStatus.MissingId => new(StatusCodes.Status400BadRequest, "missing_id"),
        VerificationStatus.MalformedId => new(StatusCodes.Status400BadRequest, "malformed_id"),
        VerificationStatus.MissingTimestamp => new(StatusCodes.Status400BadRequest, "missing_timestamp"),
        VerificationStatus.MalformedTimestamp => new(StatusCodes.Status400BadRequest, "malformed_timestamp"),
        VerificationStatus.MissingSignature => new(StatusCodes.Status400BadRequest, "missing_signature"),
        VerificationStatus.MalformedSignature => new(StatusCodes.Status400BadRequest, "malformed_signature"),
        VerificationStatus.TooManySignatures => new(StatusCodes.Status400BadRequest, "too_many_signatures"),
        VerificationStatus.UnknownVersion => new(StatusCodes.Status401Unauthorized, "unknown_version"),
        VerificationStatus.TimestampTooOld => new(StatusCodes.Status401Unauthorized, "timestamp_too_old"),
        VerificationStatus.TimestampTooNew => new(StatusCodes.Status401Unauthorized, "timestamp_too_new"),
        VerificationStatus.NoSecret => new(StatusCodes.Status401Unauthorized, "no_secret"),
        _ => new(StatusCodes.Status401Unauthorized, "no_matching_signature"),
    };
}
