using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Nodes;

/// <summary>The nodes as this one saw them when it last renewed, and what follows for it.</summary>
internal sealed class LiveNodes(NodeLease self, IOptions<WebhookDispatcherOptions> options)
{
    private volatile View _view = new([], BucketShare.All);

    /// <summary>The buckets that this node looks after.</summary>
    public IReadOnlyList<short> Buckets => _view.Buckets;

    /// <summary>How many endpoints this node should have, when it has so many; the same number when it is alone.</summary>
    public int Share(int held) => _view.Others.Count == 0 ? options.Value.Delivery.MaxLeases : FairShare.Of(held, options.Value.Delivery.MaxLeases, _view.Others);

    /// <summary>Takes in what a renewal has read.</summary>
    public void Seen(IEnumerable<NodeLoad> nodes) => Set([.. nodes.Where(node => node.Node != self.Id && node.ExpiresIn > TimeSpan.Zero)]);

    /// <summary>A node has said that it is about to end.</summary>
    public void Leaving(Guid node) => Set([.. _view.Others.Select(other => other.Node == node ? other with { Leaving = true } : other)]);

    private void Set(NodeLoad[] others) =>
        _view = new View(others, BucketShare.Of(self.Id, [.. others.Where(other => !other.Leaving).Select(other => other.Node)]));

    private sealed record View(IReadOnlyList<NodeLoad> Others, IReadOnlyList<short> Buckets);
}
