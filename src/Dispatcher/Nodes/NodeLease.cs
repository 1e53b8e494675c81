using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Nodes;

/// <summary>This process among the nodes: its id, and until when what is leased to it is its own. One lease, whatever the number of endpoints.</summary>
internal sealed class NodeLease(TimeProvider time, IOptions<WebhookDispatcherOptions> options)
{
    private volatile Term _term = new(Guid.NewGuid(), null);

    /// <summary>The owner that leases, settles and failures are compared with. A restarted process is another, and so is one whose lease was lost.</summary>
    public Guid Id => _term.Node;

    /// <summary>
    /// Whether a send may begin. It is counted from before the last renewal was asked for, so that it ends here before it ends for the others.
    /// </summary>
    public bool IsValid => _term.From is { } from && time.GetElapsedTime(from) < options.Value.Delivery.LeaseDuration;

    /// <summary>The lease was given by a request that began then.</summary>
    public void Renewed(long began) => _term = new Term(_term.Node, began);

    /// <summary>All that was leased is lost. From here on nothing that was taken before can be written any more: its owner is nobody's id.</summary>
    public void Lost() => _term = new Term(Guid.NewGuid(), null);

    private sealed record Term(Guid Node, long? From);
}
