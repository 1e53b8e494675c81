namespace Webhooks.Receiver;

/// <summary>What of a stream waits for what while it is handled. Whatever is chosen, an event waits until every number before it is stored or lost.</summary>
public enum ProcessingOrder
{
    /// <summary>One event after the other, in the order of their numbers. One that fails holds up all that follow.</summary>
    Stream,

    /// <summary>
    /// Events with the same key one after the other, others at the same time. One that fails holds up those of its key. The key is told by
    /// <c>ProcessPerKey</c>.
    /// </summary>
    PerKey,

    /// <summary>Each by itself. One that fails holds up no other.</summary>
    None,
}
