namespace Webhooks.Receiver;

/// <summary>A verified event on its way into the inbox, or out of it.</summary>
/// <param name="Id">The event's id.</param>
/// <param name="Endpoint">The endpoint of its stream; null from a foreign sender.</param>
/// <param name="Epoch">The stream's generation; 0 from a foreign sender.</param>
/// <param name="Seq">Its number; 0 from a foreign sender.</param>
/// <param name="Body">The envelope's exact bytes.</param>
/// <param name="ReceivedAt">When it came.</param>
/// <param name="FromFeed">Whether it was fetched rather than delivered.</param>
/// <param name="Type">
/// Its type, where the body is no envelope that states it: a foreign sender's scheme found it elsewhere. Null of every numbered event.
/// </param>
public sealed record InboxEvent(
    string Id, string? Endpoint, int Epoch, long Seq, ReadOnlyMemory<byte> Body, DateTimeOffset ReceivedAt, bool FromFeed = false, string? Type = null)
{
    /// <summary>What names it.</summary>
    public EventKey Key => new(Epoch, Seq, Id);
}

/// <summary>Names an event of a source. Events are ordered by number, epoch and id.</summary>
/// <param name="Epoch">The stream's generation; 0 from a foreign sender.</param>
/// <param name="Seq">Its number; 0 from a foreign sender.</param>
/// <param name="Id">Its id.</param>
public readonly record struct EventKey(int Epoch, long Seq, string Id);

/// <summary>An event without a number, and how its handler has fared.</summary>
/// <param name="Event">The event.</param>
/// <param name="Hold">What it waits for after a failure; null before one.</param>
public sealed record UnnumberedEvent(InboxEvent Event, StreamHold? Hold)
{
    /// <summary>How often its handler was called.</summary>
    public int Attempts => Hold?.Attempts ?? 0;
}

/// <summary>An event that is set aside, whole: the inbox may prune its own copy.</summary>
/// <param name="Event">The event.</param>
/// <param name="Attempts">How often its handler was called.</param>
/// <param name="Reason">Why the last attempt failed; never an event's data.</param>
/// <param name="At">When that was.</param>
public sealed record ParkedEvent(InboxEvent Event, int Attempts, string Reason, DateTimeOffset At);

/// <summary>What storing is held to.</summary>
/// <param name="Limit">How many events may wait. An event that fills a gap gets in nevertheless: it is what the others wait for.</param>
/// <param name="AsOne">
/// Whether all or none are stored. When one is refused, so are all, and those that were not themselves the reason are told <see cref="StoreOutcome.Refused"/>.
/// The limit is then held against the first that is new, so that a batch that is greater than the limit gets in at all.
/// </param>
public readonly record struct StoreRules(int Limit, bool AsOne = false);

/// <summary>What became of an event that was to be stored.</summary>
public enum StoreOutcome
{
    /// <summary>It is stored.</summary>
    Stored,

    /// <summary>It was stored before, or lies at or below the watermark.</summary>
    Duplicate,

    /// <summary>Another event has its number.</summary>
    Conflict,

    /// <summary>It belongs to another endpoint than the source's.</summary>
    OtherEndpoint,

    /// <summary>Too many events wait.</summary>
    Full,

    /// <summary>It was to be stored with others or not at all, and one of these was refused.</summary>
    Refused,
}

/// <summary>The inbox cannot be read or written now; it is tried again.</summary>
public sealed class InboxUnavailableException : Exception
{
    /// <summary>Makes one without a reason.</summary>
    public InboxUnavailableException() { }

    /// <summary>Makes one with a reason.</summary>
    public InboxUnavailableException(string message) : base(message) { }

    /// <summary>Makes one with a reason and a cause.</summary>
    public InboxUnavailableException(string message, Exception inner) : base(message, inner) { }
}
