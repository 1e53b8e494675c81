namespace Webhooks.Dispatcher.Sequencing;

/// <summary>Positions from <paramref name="First"/> to <paramref name="Last"/> that were drawn and not visible.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Last">The highest.</param>
/// <param name="Horizon">When every transaction with a lower id has ended, nobody can commit one of these any more.</param>
internal readonly record struct Gap(long First, long Last, long Horizon);

/// <summary>
/// Where sequencing of a bucket stands: every position up to <paramref name="Mark"/> is sequenced, but for the gaps. A transaction that
/// drew a low position and commits late is so found by looking at just its position; nothing waits for it meanwhile. Pure.
/// </summary>
/// <param name="Mark">The highest position that was sequenced.</param>
/// <param name="Gaps">In ascending order.</param>
internal sealed record GapSet(long Mark, IReadOnlyList<Gap> Gaps)
{
    public static readonly GapSet Empty = new(0, []);

    /// <summary>Whether a position was sequenced.</summary>
    public bool Covers(long position) => position <= Mark && !Gaps.Any(gap => gap.First <= position && position <= gap.Last);

    /// <summary>After a batch that took the lowest visible positions outside what was sequenced before.</summary>
    /// <param name="taken">The positions taken, ascending.</param>
    /// <param name="complete">Whether these were all that were visible, as against the lowest of more.</param>
    /// <param name="xmin">The lowest transaction id still running when the batch was read.</param>
    /// <param name="horizon">A transaction id given out after that: all that could hold a place below those taken have a lower one.</param>
    public GapSet Advance(IReadOnlyList<long> taken, bool complete, long xmin, long horizon)
    {
        var looked = complete ? long.MaxValue : taken[^1];
        var gaps = new List<Gap>();
        var next = 0;

        foreach (var gap in Gaps)
        {
            var first = gap.First;
            for (; next < taken.Count && taken[next] <= gap.Last; next++)
            {
                Keep(new Gap(first, taken[next] - 1, gap.Horizon));
                first = taken[next] + 1;
            }

            Keep(new Gap(first, gap.Last, gap.Horizon));
        }

        // Who drew a position below one that is visible had a transaction id before that: it lies below the horizon.
        var mark = Mark;
        for (; next < taken.Count; next++)
        {
            if (taken[next] > mark + 1) gaps.Add(new Gap(mark + 1, taken[next] - 1, horizon));
            mark = taken[next];
        }

        return new GapSet(mark, gaps);

        void Keep(Gap gap)
        {
            // Gone for ever only if it was looked for in a snapshot taken after everyone who could have committed it had ended.
            var dead = gap.Last <= looked && xmin >= gap.Horizon;
            if (gap.First <= gap.Last && !dead) gaps.Add(gap);
        }
    }
}
