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

    /// <summary>
    /// Reads stored events from <paramref name="firstSeq"/> on in the order of their numbers, of the epochs that hold there, one for each number.
    /// Numbers that are not stored are left out.
    /// </summary>
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
    /// Stores why the stream does not go on; null when it does. Null also lifts what single events of the stream wait for, and gives the events
    /// without a number that have used up their attempts new ones.
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

    /// <summary>
    /// Stores what one event waits for after its handler's failure: one without a number, or one of the stream where its events do not all wait for
    /// each other. Null when it is settled, which for an event without a number is how the inbox learns that it is done.
    /// </summary>
    Task SetEventHoldAsync(string source, EventKey key, StreamHold? hold, CancellationToken cancellationToken);

    /// <summary>Reads events without a number whose handler has failed and that are not settled, by id.</summary>
    /// <param name="source">The source.</param>
    /// <param name="eventId">Only the one of this id, when it is not null.</param>
    /// <param name="afterId">Those with a higher id, by ordinal comparison; empty for the first.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    Task<IReadOnlyList<UnnumberedEvent>> ReadFailedUnnumberedAsync(
        string source, string? eventId, string afterId, int limit, CancellationToken cancellationToken);

    /// <summary>Reads events that are set aside, in the order of their keys.</summary>
    /// <param name="source">The source.</param>
    /// <param name="eventId">Only those of this id, when it is not null.</param>
    /// <param name="after">Those after this one; the default for the first.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    Task<IReadOnlyList<ParkedEvent>> ReadParkedAsync(string source, string? eventId, EventKey after, int limit, CancellationToken cancellationToken);

    /// <summary>Numbers that the watermark has passed without an event's being processed in the end.</summary>
    Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken);

    /// <summary>Finds out what other processes have stored meanwhile. For an inbox whose state is read anew each time there is nothing to do.</summary>
    /// <returns>Whether there was something.</returns>
    Task<bool> RefreshAsync(string source, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <summary>
    /// Waits until this process may process the source's stream. At most one process has that right at a time; one that has outlived it unawares commits
    /// nothing through <see cref="BeginAsync"/>. For an inbox of one process it is there at once.
    /// </summary>
    /// <param name="source">The source.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    Task<IInboxLead> LeadAsync(string source, CancellationToken cancellationToken) => Task.FromResult<IInboxLead>(SoleLead.Instance);

    /// <summary>
    /// Ends when another process says that it has stored something. It may be told late or not at all: <see cref="RefreshAsync"/> is the truth. An inbox
    /// that is told nothing waits until it is cancelled.
    /// </summary>
    Task WaitForNewsAsync(string source, CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    /// <summary>
    /// Forgets the marks of events without a number that were settled before a time, but for those set aside; sent again, such an event is processed again.
    /// </summary>
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

    /// <summary>
    /// Moves the watermark, comparing: false when it was not at <paramref name="from"/>, because somebody else moved it, or when the one event that it
    /// is to pass was settled by itself. With <see cref="Settlement.Marked"/> it passes events that all were: their marks are counted and removed.
    /// </summary>
    Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken);

    /// <summary>
    /// Marks one event as settled by itself: one without a number, or one of the stream beyond the watermark. False when it was settled already, by its
    /// mark or by the watermark. Of two transactions that mark the same event at the same time, one fails: here, or at its commit.
    /// </summary>
    Task<bool> MarkAsync(EventKey key, Settlement how, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets that events of the stream were settled by themselves: their marks, counted as they were, and what of them was set aside, which is
    /// counted no more.
    /// </summary>
    /// <param name="after">Those with a higher number.</param>
    /// <param name="belowEpoch">Those of a lower epoch.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    Task UnmarkAsync(long after, int belowEpoch, CancellationToken cancellationToken);

    /// <summary>Sets an event aside for good, body and reason; in place of what was set aside of it before. That it is settled is marked apart.</summary>
    Task ParkAsync(ParkedEvent parked, CancellationToken cancellationToken);

    /// <summary>
    /// Takes back an event that was set aside, and counts it as settled in another way; with <see cref="Settlement.Parked"/> it is to be set aside again.
    /// False when it is not set aside. Of two transactions that do so at the same time, one fails: here, or at its commit.
    /// </summary>
    Task<bool> UnparkAsync(EventKey key, Settlement becomes, CancellationToken cancellationToken);

    /// <summary>Records that the watermark passes numbers, or goes back before them, and why.</summary>
    Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken);

    /// <summary>Makes all of it durable.</summary>
    Task CommitAsync(CancellationToken cancellationToken);
}
