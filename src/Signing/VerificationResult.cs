namespace Webhooks.Signing;

/// <summary>Why a message was accepted or refused. The same words are log fields and metric tags.</summary>
public enum VerificationStatus
{
    /// <summary>Nothing was verified; the value of a default result, so that it can never pass for accepted.</summary>
    None = 0,

    /// <summary>A live secret made one of the signatures, and the timestamp lies within the tolerance.</summary>
    Valid,

    /// <summary>No secret was given to verify with.</summary>
    NoSecret,

    /// <summary>The header <c>webhook-id</c> is absent or empty.</summary>
    MissingId,

    /// <summary>The id is longer than 256 characters or has one that is not visible ASCII, or a full stop.</summary>
    MalformedId,

    /// <summary>The header <c>webhook-timestamp</c> is absent or empty.</summary>
    MissingTimestamp,

    /// <summary>The timestamp is not a canonical decimal number of seconds.</summary>
    MalformedTimestamp,

    /// <summary>The header <c>webhook-signature</c> is absent or empty.</summary>
    MissingSignature,

    /// <summary>No entry has the form <c>version,base64</c>.</summary>
    MalformedSignature,

    /// <summary>The signature header is longer than 4,096 characters or has more than 16 entries.</summary>
    TooManySignatures,

    /// <summary>Every well-formed entry is of a version that none of the secrets makes: <c>v1</c> is a symmetric secret's, <c>v1a</c> an Ed25519 key's.</summary>
    UnknownVersion,

    /// <summary>No secret made any of the signatures: wrong secret, or altered bytes.</summary>
    NoMatchingSignature,

    /// <summary>The signature is right, the timestamp older than the tolerance allows: a replay, or clocks that disagree.</summary>
    TimestampTooOld,

    /// <summary>The signature is right, the timestamp further in the future than the tolerance allows.</summary>
    TimestampTooNew,
}

/// <summary>The outcome of a verification.</summary>
/// <param name="Status">Accepted, or why not.</param>
/// <param name="SecretIndex">Which of the given secrets matched, or -1.</param>
/// <param name="Timestamp">The message's timestamp in unix seconds, where it could be read.</param>
public readonly record struct VerificationResult(VerificationStatus Status, int SecretIndex = -1, long Timestamp = 0)
{
    /// <summary>Whether the message may be trusted.</summary>
    public bool IsValid => Status == VerificationStatus.Valid;
}
