namespace Webhooks.Receiver;

/// <summary>What the backfill knows of the sender's side, as of its last look.</summary>
internal sealed record FeedStanding
{
    public static readonly FeedStanding Unknown = new();

    /// <summary>When the feed last gave a believable answer.</summary>
    public DateTimeOffset? ReadAt { get; init; }

    /// <summary>The sender's head, then.</summary>
    public long Head { get; init; }

    /// <summary>Why the endpoint is paused; null when it is active or unknown.</summary>
    public string? PauseReason { get; init; }

    /// <summary>Why the last request failed; null when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>Numbers that cannot be had any more and hold the stream up.</summary>
    public SeqRange? Unrecoverable { get; init; }
}
