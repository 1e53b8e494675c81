namespace Webhooks.Dispatcher.Nodes;

/// <summary>A node as another sees it.</summary>
/// <param name="Node">Its id.</param>
/// <param name="Leases">How many endpoints it worked on when it last renewed.</param>
/// <param name="Capacity">How many it can work on.</param>
/// <param name="Leaving">Whether it is about to end: it takes nothing more, and gives back what it has.</param>
/// <param name="ExpiresIn">For how long it lives if it does not renew; negative when it has expired.</param>
internal sealed record NodeLoad(Guid Node, int Leases, int Capacity, bool Leaving, TimeSpan ExpiresIn);

/// <summary>How many endpoints a node should have; pure. Balance makes nothing wait: it only says who goes first.</summary>
internal static class FairShare
{
    /// <summary>So few endpoints may be with anybody: moving them costs more than it brings.</summary>
    public const int Least = 8;

    private const int SlackPart = 16;
    private const int LeastSlack = 2;

    /// <summary>The share of a node that has so many endpoints and can work on so many: what all have, levelled, as far as each can take it.</summary>
    public static int Of(int held, int capacity, IReadOnlyCollection<NodeLoad> others)
    {
        var left = held + others.Sum(other => (long)other.Leases);
        var capacities = others.Where(other => !other.Leaving).Select(other => other.Capacity).Append(capacity).Order().ToArray();
        for (var i = 0; i < capacities.Length; i++)
        {
            var level = (left + capacities.Length - i - 1) / (capacities.Length - i);
            if (level <= capacities[i]) return (int)Math.Min(level, capacity);
            left -= capacities[i];
        }

        return capacity;
    }

    /// <summary>How many more a node takes at once; what is due beyond that it leaves to the others for a moment.</summary>
    public static int Room(int held, int share) => Math.Max(0, Math.Max(share + Slack(share), Least) - held);

    /// <summary>How many a node has too many.</summary>
    public static int Surplus(int held, int share) => held > Math.Max(share + Slack(share), Least) ? held - Math.Max(share, Least) : 0;

    // The others' counts are as old as their last renewal: without slack endpoints would go to and fro between nodes that are even.
    private static int Slack(int share) => Math.Max(LeastSlack, share / SlackPart);
}
