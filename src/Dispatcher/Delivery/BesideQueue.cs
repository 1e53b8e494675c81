using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>The events of one endpoint that are due beside its stream, as far as they were read; under the pump's gate.</summary>
internal sealed class BesideQueue(DatabaseClock clock)
{
    /// <summary>How many are read at a time: a few, for they are held whole in memory.</summary>
    public const int AtATime = 16;

    private readonly Queue<DeferredEvent> _due = new();
    private int _taken;
    private DateTimeOffset? _next;

    /// <summary>When there is something to load; null when nothing is known of, and while others are under way, for they would be read again.</summary>
    public DateTimeOffset? LoadAt => _due.Count == 0 && _taken == 0 ? _next : null;

    /// <summary>How many are at hand.</summary>
    public int Count => _due.Count;

    /// <summary>Whether some should be loaded now.</summary>
    public bool IsDue => LoadAt <= clock.Now;

    /// <summary>One more is due then.</summary>
    public void Expect(DateTimeOffset? due)
    {
        if (due < (_next ?? DateTimeOffset.MaxValue)) _next = due;
    }

    public DeferredEvent? TryTake()
    {
        if (!_due.TryDequeue(out var next)) return null;
        _taken++;
        return next;
    }

    /// <summary>What was taken has been sent, with whatever outcome, or put off.</summary>
    public void Done() => _taken--;

    /// <summary>They are about to be read. What is expected from now on may not be in what is read.</summary>
    public void BeginLoad() => _next = null;

    /// <summary>They were read.</summary>
    /// <param name="due">At most <see cref="AtATime"/>.</param>
    /// <param name="next">When the one after them is due.</param>
    public void EndLoad(IReadOnlyCollection<DeferredEvent> due, DateTimeOffset? next)
    {
        // More may be due than was read: then it is looked for again as soon as these are done.
        Expect(due.Count == AtATime ? clock.Now : next);
        foreach (var one in due) _due.Enqueue(one);
    }
}
