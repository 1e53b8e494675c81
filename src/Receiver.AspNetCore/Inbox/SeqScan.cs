namespace Webhooks.Receiver;

/// <summary>Finds what is missing among stored numbers, given in order.</summary>
internal static class SeqScan
{
    /// <summary>The highest number up to which all after <paramref name="from"/> are stored or lost.</summary>
    public static long Contiguous(long from, IEnumerable<long> stored, IReadOnlyList<SeqRange> lost)
    {
        var reached = PastLost(from, lost);
        foreach (var seq in stored)
        {
            if (seq <= reached) continue;
            if (seq != reached + 1) break;
            reached = PastLost(seq, lost);
        }

        return reached;
    }

    /// <summary>The ranges between <paramref name="from"/> and the highest stored number that are neither stored nor lost.</summary>
    public static IEnumerable<SeqRange> Gaps(long from, IEnumerable<long> stored, IReadOnlyList<SeqRange> lost)
    {
        var reached = PastLost(from, lost);
        foreach (var seq in stored)
        {
            while (reached + 1 < seq)
            {
                var end = lost.Where(range => range.From > reached && range.From < seq).Select(range => range.From - 1).DefaultIfEmpty(seq - 1).Min();
                yield return new SeqRange(reached + 1, end);
                reached = PastLost(end, lost);
            }

            reached = PastLost(Math.Max(reached, seq), lost);
        }
    }

    /// <summary>The end of the lost range that begins or goes on right after <paramref name="seq"/>; the same number when none does.</summary>
    public static long PastLost(long seq, IReadOnlyList<SeqRange> lost)
    {
        for (var moved = true; moved;)
        {
            moved = false;
            foreach (var range in lost)
            {
                if (range.From > seq + 1 || range.To <= seq) continue;
                seq = range.To;
                moved = true;
            }
        }

        return seq;
    }
}
