namespace Webhooks.Chaos.Judging;

internal enum Wrong
{
    /// <summary>A committed event did not take effect at an endpoint that it matched.</summary>
    Lost,

    /// <summary>A stream is not numbered 1, 2, 3, …</summary>
    Hole,

    /// <summary>A number came first before its predecessor was accepted or settled otherwise.</summary>
    ReorderedOnTheWire,

    /// <summary>Effects, or one publisher's events, are not in their order.</summary>
    Reordered,

    /// <summary>An event took effect, or was numbered, more than once.</summary>
    Twice,

    /// <summary>An event of a transaction that was not committed came out.</summary>
    RolledBackDelivered,

    /// <summary>An endpoint got what it did not match.</summary>
    Misrouted,

    /// <summary>Data is not what was published.</summary>
    Altered,

    /// <summary>Of the events with one dedupe key not exactly one was numbered.</summary>
    Deduplication,

    /// <summary>A receiver refused a request as bad.</summary>
    Rejected,

    /// <summary>A number was sent again that was settled, or more of them than were in flight or unsettled.</summary>
    SentAgain,

    /// <summary>A process ended, and nobody had killed it.</summary>
    Crashed,

    /// <summary>The dispatcher's own tables do not agree.</summary>
    Unsettled,
}

/// <summary>Something that must not be.</summary>
internal sealed record Finding(Wrong Wrong, EndpointBooks? Endpoint, long? Seq, string Text)
{
    public override string ToString() => $"{Wrong}: {(Endpoint is { } of ? $"{of.Source} ({of.Id}, {of.Ordering}): " : "")}{(Seq is { } seq ? $"seq {seq}: " : "")}{Text}";
}
