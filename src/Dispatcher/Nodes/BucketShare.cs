using System.Buffers.Binary;
using Webhooks.Dispatcher.Applications;

namespace Webhooks.Dispatcher.Nodes;

/// <summary>
/// Which of the sequencer's buckets a node looks after; pure, and the same on every node that sees the same nodes. Two that look after one bucket
/// for a moment wait for its lock; nothing else depends on it.
/// </summary>
internal static class BucketShare
{
    public static readonly IReadOnlyList<short> All = [.. Enumerable.Range(0, WebhookApplications.Buckets).Select(bucket => (short)bucket)];

    public static bool IsBucket(long number) => number >= 0 && number < WebhookApplications.Buckets;

    /// <summary>
    /// Each bucket goes to the node with the highest draw for it, among those that have room: so they are even, and few move when a node comes or goes.
    /// </summary>
    public static IReadOnlyList<short> Of(Guid self, IReadOnlyCollection<Guid> others)
    {
        if (others.Count == 0) return All;
        var nodes = others.Append(self).Distinct().ToArray();
        var most = (All.Count + nodes.Length - 1) / nodes.Length;
        var taken = nodes.ToDictionary(node => node, _ => new List<short>());
        foreach (var bucket in All)
            taken[nodes.Where(node => taken[node].Count < most).MaxBy(node => (Draw(node, bucket), node))].Add(bucket);
        return taken[self];
    }

    private static ulong Draw(Guid node, short bucket)
    {
        Span<byte> bytes = stackalloc byte[16];
        node.TryWriteBytes(bytes);
        return Mix(Mix(BinaryPrimitives.ReadUInt64LittleEndian(bytes) + (ulong)bucket) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
    }

    /// <summary>The finishing steps of SplitMix64: every bit of the argument changes half of the result's.</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
