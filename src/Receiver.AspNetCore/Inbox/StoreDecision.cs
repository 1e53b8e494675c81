namespace Webhooks.Receiver;

/// <summary>Decides what becomes of an event, from what is known; every store asks here.</summary>
internal static class StoreDecision
{
    /// <param name="candidate">The event.</param>
    /// <param name="endpoint">The source's endpoint, when it has one.</param>
    /// <param name="storedId">The id stored under the event's epoch and number, when there is one.</param>
    /// <param name="position">The watermark.</param>
    /// <param name="epochs">The known epochs.</param>
    /// <param name="contiguous">Up to where nothing is missing.</param>
    /// <param name="waiting">How many events wait.</param>
    /// <param name="rules">What storing is held to.</param>
    public static StoreOutcome Decide(
        InboxEvent candidate, string? endpoint, string? storedId, StreamPosition? position, EpochMap epochs, long contiguous,
        long waiting, StoreRules rules)
    {
        if (endpoint is not null && endpoint != candidate.Endpoint) return StoreOutcome.OtherEndpoint;
        if (storedId is not null) return storedId == candidate.Id ? StoreOutcome.Duplicate : StoreOutcome.Conflict;
        if (position is { } watermark && epochs.IsBehind(watermark, candidate.Epoch, candidate.Seq)) return StoreOutcome.Duplicate;
        return waiting >= rules.Limit && candidate.Seq != contiguous + 1 ? StoreOutcome.Full : StoreOutcome.Stored;
    }

    /// <summary>What holds a stream up whose sender gave one number to two events.</summary>
    public static StreamHold ConflictOf(InboxEvent candidate) => new(
        HoldReason.StreamConflict, candidate.Seq, candidate.Id, 0,
        $"number {candidate.Seq} of epoch {candidate.Epoch} was given to two events", null);
}
