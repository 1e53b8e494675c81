using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Tests.Statistics;

/// <summary>How wrong a percentile may be: no more than a seventeenth, 5.9 %.</summary>
public class LatencyHistogramTests
{
    private const double Error = (1.0 / 17) + 1e-12;

    [Fact]
    public void Value_OfAnyDurationFrom64Microseconds_IsRightToWithinASeventeenth()
    {
        var random = new Random(1);
        for (var i = 0; i < 200_000; i++)
        {
            // As many short ones as long ones, and both ends of buckets.
            var microseconds = (long)Math.Exp(Math.Log(64) + (random.NextDouble() * (Math.Log(int.MaxValue) - Math.Log(64))));
            var value = LatencyHistogram.ValueOf(LatencyHistogram.BucketOf(microseconds));
            Assert.InRange(Math.Abs(value - microseconds) / microseconds, 0, Error);
        }

        for (var power = 6; power < 31; power++)
            foreach (var microseconds in new[] { (1L << power) - 1, 1L << power, (1L << power) + 1 }.Where(one => one >= 64))
                Assert.InRange(Math.Abs(LatencyHistogram.ValueOf(LatencyHistogram.BucketOf(microseconds)) - microseconds) / microseconds, 0, Error);
    }

    [Fact]
    public void Bucket_OfNothingAndOfTheLongest_AreTheFirstAndTheLast()
    {
        Assert.Equal([0, 0, 1, LatencyHistogram.Buckets - 1, LatencyHistogram.Buckets - 1],
            new[] { 0, 63, 64, (1L << 31) - 1, long.MaxValue }.Select(LatencyHistogram.BucketOf));
        Assert.True(Enumerable.Range(1, LatencyHistogram.Buckets - 1).All(bucket => LatencyHistogram.ValueOf(bucket) > LatencyHistogram.ValueOf(bucket - 1)));
    }

    [Fact]
    public void Percentiles_OfManyParts_AreThoseOfAllTogetherToWithinASeventeenth()
    {
        var random = new Random(2);
        foreach (var size in new[] { 1, 2, 3, 10, 99, 100, 101, 5000 })
        {
            var all = new List<long>();
            var histogram = new LatencyHistogram();
            for (var parts = 0; parts < 5; parts++)
            {
                var counts = new int[LatencyHistogram.Buckets];
                var some = Enumerable.Range(0, size).Select(_ => 64 + (long)Math.Exp(random.NextDouble() * 17)).ToList();
                foreach (var one in some) counts[LatencyHistogram.BucketOf(one)]++;
                histogram.Add(LatencyHistogram.Pack(counts), some.Max());
                all.AddRange(some);
            }

            all.Sort();
            foreach (var part in new[] { 0.5, 0.95, 0.99, 1 })
            {
                var exact = all[(int)Math.Ceiling(part * all.Count) - 1];
                Assert.InRange(Math.Abs(histogram.Percentile(part) - exact) / exact, 0, Error);
            }

            Assert.Equal((all.Count, all[^1]), (histogram.Count, histogram.Max));
            Assert.True(histogram.Percentile(1) <= histogram.Max);
        }

        Assert.Equal(0, new LatencyHistogram().Percentile(0.5));
    }
}
