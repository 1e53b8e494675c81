namespace Webhooks.Dispatcher.Retention;

/// <summary>A stretch of time, and the partitions of what was written in it.</summary>
/// <param name="Number">Its number. Positions and the numbers of settlements and attempts carry it in their upper bits.</param>
/// <param name="CreatedAt">When its partitions were made, ahead of their use.</param>
/// <param name="BeganAt">When it came into force; null while it is ahead.</param>
/// <param name="EndedAt">When the next one came into force.</param>
/// <param name="ExpiringAt">Since when nobody new is given its events.</param>
/// <param name="FloorsRaisedAt">When every floor had been raised above it.</param>
/// <param name="LateAt">When the last of its events that was committed after its end was numbered.</param>
/// <param name="WritersEnded">Whether every transaction that could still commit an event of it has ended.</param>
internal sealed record Period(
    int Number, DateTimeOffset CreatedAt, DateTimeOffset? BeganAt = null, DateTimeOffset? EndedAt = null, DateTimeOffset? ExpiringAt = null,
    DateTimeOffset? FloorsRaisedAt = null, DateTimeOffset? LateAt = null, bool WritersEnded = false)
{
    /// <summary>How many bits of a position stand below those that carry the period; as in the migration.</summary>
    public const int PositionBits = 40;

    /// <summary>From when on nothing in it must be kept.</summary>
    public DateTimeOffset? ExpiresAt(TimeSpan keep) => EndedAt is null ? null : (LateAt > EndedAt ? LateAt : EndedAt) + keep;

    /// <summary>The period that a position was drawn in.</summary>
    public static int Of(long position) => (int)(position >> PositionBits);
}
