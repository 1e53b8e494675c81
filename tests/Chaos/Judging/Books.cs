using Webhooks.Chaos.Faults;

namespace Webhooks.Chaos.Judging;

/// <summary>An event that was published by a committed transaction.</summary>
/// <param name="EventId">Its id.</param>
/// <param name="Application">Whose.</param>
/// <param name="Type">Its type.</param>
/// <param name="Lane">Who published it, one after another.</param>
/// <param name="Number">As the how-manieth of its lane.</param>
/// <param name="DedupeKey">Its dedupe key, if any.</param>
/// <param name="Sha256">Of its data.</param>
/// <param name="Began">When its transaction had begun.</param>
/// <param name="Committed">When that was committed.</param>
internal sealed record PublishedRow(
    string EventId, string Application, string Type, string Lane, int Number, string? DedupeKey, string Sha256, DateTime Began, DateTime Committed);

/// <summary>What an endpoint was set to match by an operator's call, which took some time; null: it was deleted.</summary>
internal sealed record Matched(string? Pattern, DateTime Asked, DateTime Done);

internal sealed record DeliveryRow(long Seq, string EventId);

internal sealed record SettlementRow(long First, long Last, string Outcome, DateTime At);

internal sealed record AttemptRow(long Seq, DateTime StartedAt);

internal sealed record EffectRow(long Seq, string EventId, string Sha256);

internal sealed record StateRow(string Status, string? LeaseOwner, long Head, long Cursor);

/// <summary>Something that may have had things sent twice, from when to when.</summary>
internal sealed record Incident(DateTime From, DateTime To, string What);

internal enum Ordering
{
    Strict,
    Relaxed,
    Batch,
}

/// <summary>All that is known of an endpoint on both sides.</summary>
internal sealed record EndpointBooks
{
    public required string Source { get; init; }

    public required string Id { get; init; }

    public required string Application { get; init; }

    public required Ordering Ordering { get; init; }

    /// <summary>What it matched, one after the other.</summary>
    public required IReadOnlyList<Matched> Matched { get; init; }

    public required StateRow State { get; init; }

    public IReadOnlyList<DeliveryRow> Deliveries { get; init; } = [];

    public IReadOnlyList<SettlementRow> Settlements { get; init; } = [];

    /// <summary>Attempts that failed.</summary>
    public IReadOnlyList<AttemptRow> Attempts { get; init; } = [];

    /// <summary>When it was paused, resumed, or otherwise changed.</summary>
    public IReadOnlyList<Incident> Changes { get; init; } = [];

    /// <summary>What the receiver's handler did, in order.</summary>
    public IReadOnlyList<EffectRow> Effects { get; init; } = [];

    /// <summary>What came at the receiver's edge, in order.</summary>
    public IReadOnlyList<WireRequest> Wire { get; init; } = [];

    public bool IsDeleted => Matched is [.., { Pattern: null }];
}

/// <summary>The books of both sides, when all is quiet.</summary>
internal sealed record Books
{
    public required IReadOnlyList<PublishedRow> Published { get; init; }

    /// <summary>Events that the dispatcher put in no stream because another had their dedupe key.</summary>
    public IReadOnlySet<string> Duplicates { get; init; } = new HashSet<string>();

    public IReadOnlySet<string> RolledBack { get; init; } = new HashSet<string>();

    public required IReadOnlyList<EndpointBooks> Endpoints { get; init; }

    public IReadOnlyList<Incident> Incidents { get; init; } = [];

    /// <summary>Processes that ended without having been killed.</summary>
    public IReadOnlyList<string> Crashes { get; init; } = [];
}
