using System.Numerics;

namespace Webhooks.Dispatcher.Statistics;

/// <summary>
/// How often attempts took how long: eight buckets of equal width between a power of two of microseconds and the next, so that a duration from 64 µs to 35 min is told with an
/// error of at most
/// 1/17 of it, 5.9 %; the longest is kept as it was. Pure.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int Shortest = 6, Longest = 30, Parts = 8, PartBits = 3;

    /// <summary>The bucket of what is shorter than all the others, and those.</summary>
    public const int Buckets = 1 + ((Longest - Shortest + 1) * Parts);

    // A bucket and its count in one number: what is stored, and can be added up without knowing more.
    private const int CountBits = 40;

    private readonly long[] _counts = new long[Buckets];

    public long Count { get; private set; }

    /// <summary>The longest, in microseconds.</summary>
    public long Max { get; private set; }

    /// <summary>The bucket of a duration in microseconds.</summary>
    public static int BucketOf(long microseconds)
    {
        if (microseconds < 1 << Shortest) return 0;
        var power = BitOperations.Log2((ulong)microseconds);
        if (power > Longest) return Buckets - 1;
        return 1 + ((power - Shortest) * Parts) + ((int)(microseconds >> (power - PartBits)) & (Parts - 1));
    }

    /// <summary>What stands for the durations of a bucket, in microseconds: as far, in proportion, from its lower end as from its upper one.</summary>
    public static double ValueOf(int bucket)
    {
        if (bucket == 0) return 1 << Shortest;
        var (power, part) = (Shortest + ((bucket - 1) / Parts), (bucket - 1) % Parts);
        double width = 1L << (power - PartBits);
        double low = (1L << power) + (part * width);
        return 2 * low * (low + width) / (low + low + width);
    }

    /// <summary>As it is stored: of the buckets that have any, which and how many.</summary>
    public static long[] Pack(ReadOnlySpan<int> counts)
    {
        var packed = new List<long>();
        for (var bucket = 0; bucket < counts.Length; bucket++)
            if (counts[bucket] > 0) packed.Add(((long)bucket << CountBits) | (uint)counts[bucket]);
        return [.. packed];
    }

    /// <summary>Adds what was stored.</summary>
    public void Add(IEnumerable<long> packed, long max)
    {
        foreach (var one in packed)
        {
            var (bucket, count) = ((int)(one >> CountBits), one & ((1L << CountBits) - 1));
            // Of a later version, which may have more of them.
            _counts[Math.Clamp(bucket, 0, Buckets - 1)] += count;
            Count += count;
        }

        Max = Math.Max(Max, max);
    }

    /// <summary>The duration that so large a part of all did not exceed, in microseconds; 0 when there is none at all.</summary>
    /// <param name="part">Such as 0.95.</param>
    public double Percentile(double part)
    {
        var rank = (long)Math.Ceiling(part * Count);
        for (var (bucket, seen) = (0, 0L); bucket < Buckets; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank && seen > 0) return Math.Min(ValueOf(bucket), Max);
        }

        return 0;
    }
}
