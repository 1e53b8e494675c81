using System.Data.Common;

namespace Webhooks.Receiver;

/// <summary>
/// A durable store of received events, and of how far they are processed. Both are kept by source; a source has one stream, that of
/// its endpoint, and may have events without a number beside it. Every method that says it stores returns after the commit.
/// </summary>
/// <remarks>
/// Two places may lie behind it: received events where intake alone writes, and the marks where the handlers write. A crash between the
/// two is harmless, for the marks are the truth about what was processed.
/// Trouble that may pass (locked, full, unreachable) is a <see cref="InboxUnavailableException"/>.
/// </remarks>
public interface IWebhookInbox
{
    /// <summary>
    /// Stores events, each once, in one transaction; they are consecutive numbers as a rule. Concurrent calls should share a commit.
    /// Each event is judged for itself, unless the rules want all or none.
    /// </summary>
    /// <returns>For each event what became of it, in the order given.</returns>
    Task<IReadOnlyList<StoreOutcome>> StoreAsync(string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken);

    /// <summary>What is known of a source; must be cheap.</summary>
    Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken);

    /// <summary>Reads stored events from <paramref name="firstSeq"/> on, without a gap between them, of the epochs that hold there.</summary>
    Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken);

    /// <summary>The missing numbers between the watermark and the highest stored event, lowest first.</summary>
    Task<IReadOnlyList<SeqRange>> FindGapsAsync(string source, int limit, CancellationToken cancellationToken);

    /// <summary>Gives a stream its first watermark. False when it has one.</summary>
    Task<bool> StartAsync(string source, StreamPosition position, bool suspect, CancellationToken cancellationToken);

    /// <summary>Sets the endpoint of a source that has none yet. False when it has another.</summary>
    Task<bool> BindAsync(string source, string endpoint, CancellationToken cancellationToken);

    /// <summary>Records where an epoch begins; again for the same epoch changes nothing.</summary>
    Task AddEpochAsync(string source, EpochStart epoch, CancellationToken cancellationToken);

    /// <summary>Records numbers that cannot be had any more, so that the watermark may pass them.</summary>
    Task AddLostAsync(string source, SeqRange range, CancellationToken cancellationToken);

    /// <summary>
    /// Stores why the stream does not go on; null when it does. Null also gives the events without a number that have used up their attempts new ones.
    /// </summary>
    /// <param name="source">The source.</param>
    /// <param name="hold">Why.</param>
    /// <param name="clearConflict">Whether somebody has decided that a stream conflict is over; otherwise one that is stored stays.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    Task SetHoldAsync(string source, StreamHold? hold, bool clearConflict, CancellationToken cancellationToken);

    /// <summary>Somebody has looked at an inbox that was found empty behind a stream that had been delivered.</summary>
    Task AcknowledgeAsync(string source, CancellationToken cancellationToken);

    /// <summary>Begins the transaction into which a handler's effects and the mark "processed" go.</summary>
    Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken);

    /// <summary>Reads events without a number that are due at <paramref name="now"/>.</summary>
    Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>Stores how an event without a number fared after a handler's failure; done when <paramref name="hold"/> is null.</summary>
    Task SetUnnumberedAsync(string source, string eventId, StreamHold? hold, CancellationToken cancellationToken);

    /// <summary>Numbers that the watermark has passed without an event's being processed in the end.</summary>
    Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken);

    /// <summary>Finds out what other processes have stored meanwhile. For an inbox whose state is read anew each time there is nothing to do.</summary>
    /// <returns>Whether there was something.</returns>
    Task<bool> RefreshAsync(string source, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <summary>Forgets the marks of events without a number that were processed before a time; sent again, such an event is processed again.</summary>
    /// <returns>How many were forgotten.</returns>
    Task<int> PruneMarksAsync(string source, DateTimeOffset processedBefore, CancellationToken cancellationToken) => Task.FromResult(0);

    /// <summary>Removes processed events that were received before a time.</summary>
    /// <returns>How many were removed.</returns>
    Task<int> PruneAsync(string source, DateTimeOffset receivedBefore, CancellationToken cancellationToken);
}

/// <summary>The transaction into which a handler's effects and the mark "processed" go. Disposed without commit, it rolls back.</summary>
public interface IInboxTransaction : IAsyncDisposable
{
    /// <summary>For the handler; null when the store has no database.</summary>
    DbConnection? Connection { get; }

    /// <summary>For the handler; null when the store has no database.</summary>
    DbTransaction? Transaction { get; }

    /// <summary>Moves the watermark, comparing: false when it was not at <paramref name="from"/>, because somebody else moved it.</summary>
    Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken);

    /// <summary>Marks an event without a number as processed. False when it was.</summary>
    Task<bool> MarkAsync(string eventId, CancellationToken cancellationToken);

    /// <summary>Sets an event aside for good, body and reason.</summary>
    Task ParkAsync(InboxEvent parked, string reason, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Records that the watermark passes numbers, or goes back before them, and why.</summary>
    Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken);

    /// <summary>Makes all of it durable.</summary>
    Task CommitAsync(CancellationToken cancellationToken);
}
