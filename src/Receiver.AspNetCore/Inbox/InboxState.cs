namespace Webhooks.Receiver;

/// <summary>What is known of a source.</summary>
public sealed record InboxState
{
    /// <summary>The endpoint whose stream the source takes; null before the first delivery.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Up to where all is processed; null before the stream has begun.</summary>
    public StreamPosition? Position { get; init; }

    /// <summary>The epochs whose beginning is known, in order.</summary>
    public EpochMap Epochs { get; init; } = EpochMap.Empty;

    /// <summary>Everything up to here is stored, processed or lost.</summary>
    public long Contiguous { get; init; }

    /// <summary>The lowest stored number; 0 when there is none.</summary>
    public long Lowest { get; init; }

    /// <summary>The highest stored number; 0 when there is none.</summary>
    public long Highest { get; init; }

    /// <summary>The highest epoch of a stored event.</summary>
    public int HighestEpoch { get; init; }

    /// <summary>Lowest number stored in <see cref="HighestEpoch"/>.</summary>
    public long HighestEpochLowest { get; init; }

    /// <summary>
    /// Events beyond the watermark that were settled by themselves, in the order of their numbers: where events do not all wait for each other, the
    /// watermark passes over them later.
    /// </summary>
    public IReadOnlySet<StreamPosition> SettledAhead { get; init; } = InboxTally.NoneAhead;

    /// <summary>What single events of the stream wait for, where events do not all wait for each other; by number.</summary>
    public IReadOnlyList<StreamHold> EventHolds { get; init; } = [];

    /// <summary>Numbered events stored and not settled.</summary>
    public long Waiting { get; init; }

    /// <summary>Events without a number, not processed.</summary>
    public long UnnumberedWaiting { get; init; }

    /// <summary>Those of them that wait for somebody to act, for their handler has used up its attempts.</summary>
    public long UnnumberedFailed { get; init; }

    /// <summary>Numbers known to be lost.</summary>
    public IReadOnlyList<SeqRange> Lost { get; init; } = [];

    /// <summary>Why the stream does not go on.</summary>
    public StreamHold? Hold { get; init; }

    /// <summary>Whether the inbox was found empty behind a stream that had been delivered, and nobody has said that this is meant.</summary>
    public bool Suspect { get; init; }

    /// <summary>The counts kept for ever.</summary>
    public InboxCounts Counts { get; init; }

    /// <summary>Whether a stored event lies beyond a missing number.</summary>
    public bool HasGap => Position is not null && Highest > Contiguous;

    /// <summary>Whether somebody has to act before the stream, or an event of it, goes on.</summary>
    internal bool IsBlocked => Hold is { RetryAt: null } || EventHolds.Any(hold => hold.RetryAt is null);

    /// <summary>Whether the event that counts at a number was settled by itself.</summary>
    internal bool IsSettledAhead(long seq) =>
        SettledAhead.Count > 0 && Enumerable.Range(Epochs.At(seq), Epochs.Latest - Epochs.At(seq) + 1).Any(epoch => SettledAhead.Contains(new StreamPosition(epoch, seq)));

    /// <summary>The last of the numbers that follow one without a hole and were settled by themselves; the same when none does.</summary>
    internal long SettledUpTo(long seq)
    {
        while (IsSettledAhead(seq + 1)) seq++;
        return seq;
    }
}

/// <summary>The counts of a source since its inbox was made.</summary>
/// <param name="Received">Events stored from deliveries.</param>
/// <param name="Backfilled">Events stored from the feed.</param>
/// <param name="Duplicates">Events that were there already.</param>
/// <param name="Processed">Events whose handler succeeded.</param>
/// <param name="Unhandled">Events whose type no handler took.</param>
/// <param name="Void">Events whose data the sender had expunged.</param>
/// <param name="Parked">Events that are set aside. One that is retried with success counts as processed instead, one that is discarded as skipped.</param>
/// <param name="Lost">Numbers passed over because they could not be had any more.</param>
/// <param name="Skipped">Events that somebody had passed over, or discarded when they were parked.</param>
public readonly record struct InboxCounts(
    long Received, long Backfilled, long Duplicates, long Processed, long Unhandled, long Void, long Parked, long Lost, long Skipped)
{
    /// <summary>With one more, or several more, of those settled in a way.</summary>
    internal InboxCounts With(Settlement how, long events = 1) => how switch
    {
        Settlement.Processed => this with { Processed = Processed + events },
        Settlement.Unhandled => this with { Unhandled = Unhandled + events },
        Settlement.Void => this with { Void = Void + events },
        Settlement.Parked => this with { Parked = Parked + events },
        Settlement.Lost => this with { Lost = Lost + events },
        Settlement.Skipped => this with { Skipped = Skipped + events },
        _ => this,
    };
}

/// <summary>A place in a stream: all up to it is settled.</summary>
/// <param name="Epoch">The stream's generation there.</param>
/// <param name="Seq">The number.</param>
public readonly record struct StreamPosition(int Epoch, long Seq);

/// <summary>Where an epoch begins.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="Seq">Its first number.</param>
public readonly record struct EpochStart(int Epoch, long Seq);

/// <summary>Numbers from one to another, both included.</summary>
/// <param name="From">The first.</param>
/// <param name="To">The last.</param>
public readonly record struct SeqRange(long From, long To)
{
    /// <summary>How many.</summary>
    public long Count => To - From + 1;

    /// <inheritdoc/>
    public override string ToString() => $"{From}..{To}";
}

/// <summary>Numbers that the watermark has passed in another way than by processing.</summary>
/// <param name="Epoch">The epoch in which it happened.</param>
/// <param name="From">The first.</param>
/// <param name="To">The last.</param>
/// <param name="Reason">
/// <c>lost</c>: not to be had any more; <c>superseded</c>: processed in an epoch that a later one has replaced; <c>skipped</c>: somebody had the
/// event passed over; <c>discarded</c>: somebody threw the parked event away; <c>rewound</c>: processed, and then once more on request.
/// </param>
public sealed record PassedRange(int Epoch, long From, long To, string Reason);

/// <summary>Why a stream, or one event without a number, does not go on.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Seq">At which number; 0 without one.</param>
/// <param name="EventId">At which event, where there is one.</param>
/// <param name="Attempts">How often its handler was called.</param>
/// <param name="Detail">What happened, for the log and the status; never an event's data.</param>
/// <param name="RetryAt">When it is tried again; null when somebody has to act first.</param>
public sealed record StreamHold(HoldReason Reason, long Seq, string? EventId, int Attempts, string Detail, DateTimeOffset? RetryAt)
{
    /// <summary>When it came to this.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>Why a stream does not go on.</summary>
public enum HoldReason
{
    /// <summary>A handler fails; it is tried again, or has used up its attempts.</summary>
    HandlerFailed,

    /// <summary>No handler takes the type, and that is to block.</summary>
    Unhandled,

    /// <summary>The sender contradicts what it sent before.</summary>
    StreamConflict,
}

/// <summary>How an event is settled.</summary>
public enum Settlement
{
    /// <summary>Its handler succeeded.</summary>
    Processed,

    /// <summary>No handler takes its type.</summary>
    Unhandled,

    /// <summary>Its data was expunged by the sender.</summary>
    Void,

    /// <summary>It was set aside after its handler's last attempt.</summary>
    Parked,

    /// <summary>It cannot be had any more.</summary>
    Lost,

    /// <summary>The stream goes back: to where a new epoch begins, or because somebody asked for it.</summary>
    Rewound,

    /// <summary>Somebody had it passed over.</summary>
    Skipped,

    /// <summary>Each was settled by itself before the watermark came to it, in the way its mark tells.</summary>
    Marked,
}
