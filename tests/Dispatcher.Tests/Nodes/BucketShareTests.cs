using Webhooks.Dispatcher.Nodes;

namespace Webhooks.Dispatcher.Tests.Nodes;

public class BucketShareTests
{
    private static readonly Guid[] Nodes = [.. Enumerable.Range(1, 20).Select(i => new Guid(i, 7, 3, 1, 2, 3, 4, 5, 6, 7, (byte)i))];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(20)]
    public void Of_AnyNumberOfNodes_EachBucketHasOneAndNobodyMoreThanItsPart(int count)
    {
        var shares = Shares(Nodes[..count]);
        Assert.Equal(BucketShare.All, shares.Values.SelectMany(buckets => buckets).Order());
        Assert.All(shares.Values, buckets => Assert.InRange(buckets.Count, 0, (16 + count - 1) / count));
    }

    [Fact]
    public void Of_SameNodesInAnyOrder_IsTheSame()
    {
        Assert.Equal(BucketShare.Of(Nodes[0], [Nodes[1], Nodes[2]]), BucketShare.Of(Nodes[0], [Nodes[2], Nodes[1]]));
    }

    [Fact]
    public void Of_ANodeMoreOrLess_FewBucketsMove()
    {
        for (var count = 2; count < 8; count++)
        {
            var (before, after) = (Owners(Nodes[..count]), Owners(Nodes[..(count + 1)]));
            var moved = BucketShare.All.Count(bucket => before[bucket] != after[bucket]);
            // The new one's part must move; of the others' a few, so that nobody has more than its part.
            Assert.InRange(moved, 1, (16 / (count + 1)) + 4);
        }
    }

    private static Dictionary<Guid, IReadOnlyList<short>> Shares(Guid[] nodes) =>
        nodes.ToDictionary(node => node, node => BucketShare.Of(node, [.. nodes.Where(other => other != node)]));

    private static Dictionary<short, Guid> Owners(Guid[] nodes) =>
        Shares(nodes).SelectMany(share => share.Value.Select(bucket => (bucket, share.Key))).ToDictionary(owned => owned.bucket, owned => owned.Key);
}
