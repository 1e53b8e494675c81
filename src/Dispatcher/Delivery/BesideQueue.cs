using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>The events of one endpoint that are due beside its stream, as far as they were read; under the pump's gate but for <see cref="LoadAsync"/>.</summary>
internal sealed class BesideQueue(EndpointLease lease, DeferredStore store, DatabaseClock clock)
{
    // A few at a time, for they are held whole in memory.
    private const int AtATime = 16;

    private readonly Queue<DeferredEvent> _due = new();
    private int _taken;

    /// <summary>When there is something to load; null when nothing is known of.</summary>
    public DateTimeOffset? Next { get; private set; }

    /// <summary>How many are at hand.</summary>
    public int Count => _due.Count;

    /// <summary>Whether some should be loaded now: not while others are under way, for they would be read again.</summary>
    public bool IsDue => _due.Count == 0 && _taken == 0 && Next is { } next && next <= clock.Now;

    /// <summary>One more is due then.</summary>
    public void Expect(DateTimeOffset? due)
    {
        if (due < (Next ?? DateTimeOffset.MaxValue)) Next = due;
    }

    public DeferredEvent? TryTake()
    {
        if (!_due.TryDequeue(out var next)) return null;
        _taken++;
        return next;
    }

    /// <summary>What was taken has been sent, with whatever outcome, or put off.</summary>
    public void Done() => _taken--;

    public async Task LoadAsync(CancellationToken cancel)
    {
        var (due, next) = await store.ReadDueAsync(lease, AtATime, cancel);
        // More may be due than was read: then it is looked for again as soon as these are done.
        Next = due.Count == AtATime ? clock.Now : next;
        foreach (var one in due) _due.Enqueue(one);
    }
}
