namespace Webhooks.Dispatcher.Retention;

/// <summary>What is to be done next.</summary>
internal enum PeriodStep
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Make the partitions of the period.</summary>
    Create,

    /// <summary>Put the period in force.</summary>
    Begin,

    /// <summary>Raise the floor of every stream above the period.</summary>
    RaiseFloors,

    /// <summary>Take the period's partitions off and drop them.</summary>
    Drop,

    /// <summary>The period should be dropped, and a transaction that may still commit one of its events is open.</summary>
    AwaitWriters,
}

/// <summary>Decides over periods; pure.</summary>
internal static class PeriodPlan
{
    private static readonly TimeSpan LongestStatement = TimeSpan.FromMinutes(1);

    /// <summary>The next step.</summary>
    /// <param name="periods">All there are, in order; the highest that began is in force.</param>
    /// <param name="now">The time.</param>
    /// <param name="options">How long is kept.</param>
    /// <param name="lease">How long a process may go on by what it read before: its leases' duration.</param>
    public static (PeriodStep Step, int Period) Next(IReadOnlyList<Period> periods, DateTimeOffset now, RetentionOptions options, TimeSpan lease)
    {
        var current = periods.Last(period => period.BeganAt is not null);
        var next = periods.FirstOrDefault(period => period.Number == current.Number + 1);
        if (next is null) return (PeriodStep.Create, current.Number + 1);

        // A statement that began before the partitions were made does not know them, and must not come to draw numbers that belong there.
        var width = options.EffectivePeriod;
        var known = next.CreatedAt + (width / 4 < LongestStatement ? width / 4 : LongestStatement);
        if (now >= current.BeganAt + width && now >= known) return (PeriodStep.Begin, next.Number);

        var oldest = periods[0];
        if (oldest.FloorsRaisedAt is { } raised)
            return now >= raised + lease ? (PeriodStep.Drop, oldest.Number) : (PeriodStep.None, 0);
        return !(now >= oldest.ExpiresAt(options.Keep)) ? (PeriodStep.None, 0)
            : oldest.WritersEnded ? (PeriodStep.RaiseFloors, oldest.Number)
            : (PeriodStep.AwaitWriters, oldest.Number);
    }

    /// <summary>Whether some held event may be old enough to give notice of.</summary>
    public static bool MayWarn(IReadOnlyList<Period> periods, DateTimeOffset now, RetentionOptions options) =>
        periods[0].EndedAt + (options.Keep * 0.75) <= now;
}
