namespace Webhooks.Receiver;

/// <summary>
/// Shows the events of a source that have not gone through, and lets somebody act on them. Every act takes effect once, whichever process it is asked of.
/// Not to be called from a handler, whose transaction it would wait for.
/// </summary>
public interface IWebhookReceiverAdministration
{
    /// <summary>Events that wait for their handler's next attempt, or for somebody: those without a number by id, then those of the stream by number.</summary>
    /// <param name="source">The source.</param>
    /// <param name="after">What the page before gave as its next; null for the first page.</param>
    /// <param name="limit">How many at most: 1 to 250.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ArgumentException">There is no such source, or <paramref name="after"/> is of no page.</exception>
    Task<HeldEventPage> ListHeldAsync(string source, string? after = null, int limit = 50, CancellationToken cancellationToken = default);

    /// <summary>Events that are parked, in the same order.</summary>
    /// <param name="source">The source.</param>
    /// <param name="after">What the page before gave as its next; null for the first page.</param>
    /// <param name="limit">How many at most: 1 to 250.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ArgumentException">There is no such source, or <paramref name="after"/> is of no page.</exception>
    Task<HeldEventPage> ListParkedAsync(string source, string? after = null, int limit = 50, CancellationToken cancellationToken = default);

    /// <summary>One event that waits or is parked, with its body; null when there is none of that id.</summary>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    Task<HeldEvent?> FindAsync(string source, string eventId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Handles a parked event once more, now: its effect and that it is no longer parked commit together. When the handler fails again, the event stays
    /// parked with the new reason. An event that waits is given a fresh round of attempts, which begins at once in the process that handles the source.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    Task<AdministrationResult> RetryAsync(string source, string eventId, CancellationToken cancellationToken = default);

    /// <summary>Passes over an event that waits, without its being handled: recorded as passed with reason <c>skipped</c>, and counted.</summary>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    Task<AdministrationResult> SkipAsync(string source, string eventId, CancellationToken cancellationToken = default);

    /// <summary>Throws a parked event away for good: recorded as passed with reason <c>discarded</c>, and counted as skipped.</summary>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    Task<AdministrationResult> DiscardAsync(string source, string eventId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Processes the stream again from a number on. Handlers are called again for every event after it, so effects repeat, and what was parked of them is
    /// handled anew. Events that the inbox has pruned are fetched from the feed. Recorded as passed with reason <c>rewound</c>.
    /// </summary>
    /// <param name="source">The source.</param>
    /// <param name="after">The number to go back to: the next one to be processed is the one after it. Not above the watermark.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>Not possible, with the reason, above the watermark or where neither the inbox nor the feed has what follows.</returns>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    Task<AdministrationResult> RewindAsync(string source, long after, CancellationToken cancellationToken = default);
}

/// <summary>What became of an act.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Detail">Why it was not done; null when it was.</param>
public sealed record AdministrationResult(AdministrationOutcome Outcome, string? Detail = null)
{
    internal static AdministrationResult Done { get; } = new(AdministrationOutcome.Done);
}

/// <summary>What became of an act.</summary>
public enum AdministrationOutcome
{
    /// <summary>It is done, and durable.</summary>
    Done,

    /// <summary>There is no event of that id in the state that it is meant for.</summary>
    NotFound,

    /// <summary>The handler failed again.</summary>
    HandlerFailed,

    /// <summary>It cannot be done as things stand.</summary>
    NotPossible,

    /// <summary>Somebody else was faster, such as the handler's own next attempt.</summary>
    Overtaken,
}

/// <summary>A page of events that have not gone through.</summary>
/// <param name="Events">The events, without their bodies.</param>
/// <param name="Next">What gives the next page; null when this is the last.</param>
public sealed record HeldEventPage(IReadOnlyList<HeldEvent> Events, string? Next);

/// <summary>An event that has not gone through.</summary>
public sealed record HeldEvent
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Its type; empty when a foreign sender stated none.</summary>
    public required string Type { get; init; }

    /// <summary>The stream's generation; 0 without a number.</summary>
    public int Epoch { get; init; }

    /// <summary>Its number; 0 without one.</summary>
    public long Seq { get; init; }

    /// <summary>What it waits for.</summary>
    public HeldState State { get; init; }

    /// <summary>Why it waits; null when it is parked.</summary>
    public HoldReason? Reason { get; init; }

    /// <summary>How often its handler was called.</summary>
    public int Attempts { get; init; }

    /// <summary>What the last attempt met.</summary>
    public required string Detail { get; init; }

    /// <summary>When that was; null when it is not known any more.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>When it is tried again; null when somebody has to act first.</summary>
    public DateTimeOffset? RetryAt { get; init; }

    /// <summary>The exact bytes that were received; null in a list.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }
}

/// <summary>What an event waits for.</summary>
public enum HeldState
{
    /// <summary>For its handler's next attempt.</summary>
    Retrying,

    /// <summary>For somebody to act.</summary>
    Blocked,

    /// <summary>It is set aside, and holds up nothing.</summary>
    Parked,
}
