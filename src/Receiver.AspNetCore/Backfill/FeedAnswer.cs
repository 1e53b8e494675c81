namespace Webhooks.Receiver;

/// <summary>What a request to the feed came to.</summary>
internal enum FeedOutcome
{
    /// <summary>A verified page.</summary>
    Page,

    /// <summary>A verified statement that the range begins below the floor.</summary>
    RangeExpired,

    /// <summary>The endpoint is deleted at the sender.</summary>
    EndpointDeleted,

    /// <summary>The sender does not accept the signature.</summary>
    Unauthorized,

    /// <summary>The sender knows the signature, and its endpoint's <c>receiver_access</c> does not allow the feed.</summary>
    Forbidden,

    /// <summary>Too many requests.</summary>
    Throttled,

    /// <summary>Another status.</summary>
    Refused,

    /// <summary>No answer.</summary>
    Unreachable,

    /// <summary>An answer without a signature of a live secret: whoever gave it, it is not believed.</summary>
    Unverified,

    /// <summary>A verified answer that makes no sense.</summary>
    Malformed,
}

/// <summary>What a request to the feed came to, and what the answer says where it is believed.</summary>
internal sealed record FeedAnswer(FeedOutcome Outcome, int Status = 0, TimeSpan? RetryAfter = null, FeedPage? Page = null)
{
    /// <summary>For status and log.</summary>
    public string Describe() => Outcome == FeedOutcome.Forbidden ? "the endpoint's receiver_access does not allow it"
        : Status == 0 ? Outcome.ToString() : $"{Outcome}, status {Status}";
}

/// <summary>A page of the feed, or, with no events, what a refusal says of the stream.</summary>
internal sealed record FeedPage
{
    public string? Endpoint { get; init; }

    public int Epoch { get; init; }

    public long EpochStart { get; init; }

    public long Floor { get; init; }

    public long Head { get; init; }

    public long Cursor { get; init; }

    public string? Status { get; init; }

    public string? PauseReason { get; init; }

    public bool HasMore { get; init; }

    public string? ErrorCode { get; init; }

    public IReadOnlyList<InboxEvent> Events { get; init; } = [];
}

/// <summary>What a request to be delivered to again came to.</summary>
internal enum ResumeOutcome
{
    /// <summary>Delivery begins again.</summary>
    Resumed,

    /// <summary>The endpoint is not paused, or only an operator may resume it.</summary>
    NotPossible,

    /// <summary>The endpoint's <c>receiver_access</c> does not allow it.</summary>
    Forbidden,

    /// <summary>Too soon after the last one.</summary>
    Throttled,

    /// <summary>Anything else.</summary>
    Failed,
}
