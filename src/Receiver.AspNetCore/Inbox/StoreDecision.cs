namespace Webhooks.Receiver;

/// <summary>Decides what becomes of events, from what is known; every store asks here.</summary>
internal static class StoreDecision
{
    /// <summary>
    /// The id stored under an event's number: of its epoch, or of another one that counts there if its own does. A sender may restate a number, but not for another event.
    /// </summary>
    /// <param name="candidate">The event.</param>
    /// <param name="epochs">The known epochs.</param>
    /// <param name="find">The id stored under a number and an epoch.</param>
    public static string? StoredId(InboxEvent candidate, EpochMap epochs, Func<(long Seq, int Epoch), string?> find)
    {
        if (find((candidate.Seq, candidate.Epoch)) is { } same) return same;
        return !epochs.Counts(candidate.Epoch, candidate.Seq) ? null : epochs.Starts
            .Where(start => epochs.Counts(start.Epoch, candidate.Seq)).Select(start => find((candidate.Seq, start.Epoch))).FirstOrDefault(id => id is not null);
    }

    /// <summary>Stores events one after the other, or none of them when the rules say so.</summary>
    /// <param name="events">The events.</param>
    /// <param name="tally">What is known of the source.</param>
    /// <param name="storedId">The id stored under an event's number, as <see cref="StoredId"/> finds it.</param>
    /// <param name="rules">What storing is held to.</param>
    /// <param name="store">Stores one that is held to rules.</param>
    public static IReadOnlyList<StoreOutcome> StoreAll(
        IReadOnlyList<InboxEvent> events, InboxTally tally, Func<InboxEvent, string?> storedId, StoreRules rules, Func<InboxEvent, StoreRules, StoreOutcome> store)
    {
        if (rules.AsOne && events.Count > 1)
        {
            if (Refusal(events, tally, storedId, rules) is { } refused) return refused;
            rules = rules with { Limit = int.MaxValue };
        }

        var outcomes = new StoreOutcome[events.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = store(events[i], rules);
        return outcomes;
    }

    public static StoreOutcome Decide(InboxEvent candidate, InboxTally tally, string? storedId, StoreRules rules)
    {
        if (tally.Endpoint is { } endpoint && endpoint != candidate.Endpoint) return StoreOutcome.OtherEndpoint;
        if (storedId is not null) return storedId == candidate.Id ? StoreOutcome.Duplicate : StoreOutcome.Conflict;
        if (tally.Position is { } watermark && tally.Epochs.IsBehind(watermark, candidate.Epoch, candidate.Seq)) return StoreOutcome.Duplicate;
        // Next in order is not enough: behind a blocked handler, everything that comes is.
        var fillsGap = candidate.Seq == tally.Contiguous + 1 && candidate.Seq < tally.Highest;
        return tally.Waiting >= rules.Limit && !fillsGap ? StoreOutcome.Full : StoreOutcome.Stored;
    }

    /// <summary>What became of events that were to be stored as one: the reason when they were refused, stored when at least one was new.</summary>
    public static StoreOutcome Whole(IReadOnlyList<StoreOutcome> outcomes) =>
        outcomes.Contains(StoreOutcome.Conflict) ? StoreOutcome.Conflict
        : outcomes.Contains(StoreOutcome.OtherEndpoint) ? StoreOutcome.OtherEndpoint
        : outcomes.Contains(StoreOutcome.Full) ? StoreOutcome.Full
        : outcomes.Contains(StoreOutcome.Stored) ? StoreOutcome.Stored
        : StoreOutcome.Duplicate;

    /// <summary>What holds a stream up whose sender gave one number to two events.</summary>
    public static StreamHold ConflictOf(InboxEvent candidate) => new(
        HoldReason.StreamConflict, candidate.Seq, candidate.Id, 0,
        $"number {candidate.Seq} of epoch {candidate.Epoch} was given to two events", null);

    /// <summary>What to answer when one of the events cannot be stored and so none is; null when all can.</summary>
    private static StoreOutcome[]? Refusal(IReadOnlyList<InboxEvent> events, InboxTally tally, Func<InboxEvent, string?> storedId, StoreRules rules)
    {
        var outcomes = new StoreOutcome[events.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Decide(events[i], tally, storedId(events[i]), rules);
        var conflict = Array.IndexOf(outcomes, StoreOutcome.Conflict);
        if (conflict >= 0) tally.Hold = ConflictOf(events[conflict]);
        var firstNew = Array.FindIndex(outcomes, one => one is StoreOutcome.Stored or StoreOutcome.Full);
        var isFull = firstNew >= 0 && outcomes[firstNew] == StoreOutcome.Full;
        if (!isFull && !outcomes.Any(one => one is StoreOutcome.Conflict or StoreOutcome.OtherEndpoint)) return null;
        for (var i = 0; i < outcomes.Length; i++)
            if (outcomes[i] is StoreOutcome.Stored or StoreOutcome.Duplicate || (outcomes[i] == StoreOutcome.Full && !isFull)) outcomes[i] = StoreOutcome.Refused;
        return outcomes;
    }
}
