namespace Webhooks.Dispatcher.Delivery;

/// <summary>What a resume does to the cursor: a run of numbers settled as passed over, or a step back.</summary>
internal sealed record CursorMove(long First, long Last, string Outcome, long Cursor);

/// <summary>Why a receiver may not resume.</summary>
internal enum ResumeRefusal
{
    None,
    NotPaused,
    PausedByOperator,
    AfterAboveHead,
    AfterBelowFloor,
    TooSoon,
}

/// <summary>Where sending goes on; pure (design 4.2 and 5.5).</summary>
internal static class ResumePlan
{
    public static readonly TimeSpan FirstBackoff = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LastBackoff = TimeSpan.FromHours(1);

    public static ResumeRefusal ForReceiver(StreamRow row, long after) =>
        row.Status.Status != EndpointStatus.Paused ? ResumeRefusal.NotPaused
        : row.Status.PauseReason == PauseReason.Manual ? ResumeRefusal.PausedByOperator
        : Range(row.Status, after) is var refusal && refusal != ResumeRefusal.None ? refusal
        : row.ReceiverResumeFrom > row.Now ? ResumeRefusal.TooSoon
        : ResumeRefusal.None;

    public static ResumeRefusal Range(StreamStatus status, long after) =>
        after > status.Head ? ResumeRefusal.AfterAboveHead
        : after < status.Floor - 1 ? ResumeRefusal.AfterBelowFloor
        : ResumeRefusal.None;

    /// <summary>An operator may skip what nobody has seen.</summary>
    public static CursorMove? ForOperator(StreamStatus status, long? after) => Move(status.Cursor, after ?? status.Cursor, "skipped");

    /// <summary>A receiver passes over only what the feed has given it.</summary>
    public static CursorMove? MoveForReceiver(StreamRow row, long after) =>
        Move(row.Status.Cursor, after > row.Status.Cursor ? Math.Max(row.Status.Cursor, Math.Min(after, row.FeedServed)) : after, "taken_from_feed");

    /// <summary>How long a receiver must wait before it may ask again, after so many resumes in a row without a delivery.</summary>
    public static TimeSpan Backoff(int resumes) =>
        TimeSpan.FromTicks(Math.Min(LastBackoff.Ticks, FirstBackoff.Ticks << Math.Min(resumes - 1, 10)));

    private static CursorMove? Move(long cursor, long to, string outcome) =>
        to > cursor ? new CursorMove(cursor + 1, to, outcome, to)
        : to < cursor ? new CursorMove(to + 1, cursor, "rewound", to)
        : null;
}
