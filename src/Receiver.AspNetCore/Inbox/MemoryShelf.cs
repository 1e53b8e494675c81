namespace Webhooks.Receiver;

/// <summary>What the in-memory inbox keeps of one source. The inbox locks it.</summary>
internal sealed class MemoryShelf
{
    public InboxTally Tally { get; } = new();

    public SortedDictionary<(long Seq, int Epoch), InboxEvent> Numbered { get; } = [];

    public static readonly IComparer<EventKey> KeyOrder = Comparer<EventKey>.Create((one, other) =>
        one.Seq != other.Seq ? one.Seq.CompareTo(other.Seq) : one.Epoch != other.Epoch ? one.Epoch.CompareTo(other.Epoch) : string.CompareOrdinal(one.Id, other.Id));

    public Dictionary<string, UnnumberedRow> Unnumbered { get; } = new(StringComparer.Ordinal);

    /// <summary>Events without a number that are settled, and since when.</summary>
    public Dictionary<string, DateTimeOffset> Marked { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<EventKey, ParkedEvent> Parked { get; } = new(KeyOrder);

    public List<PassedRange> Passed { get; } = [];

    public IEnumerable<long> NumbersAfter(long seq) =>
        Numbered.Keys.Where(key => key.Seq > seq && Tally.Epochs.Counts(key.Epoch, key.Seq)).Select(key => key.Seq);

    public void Reset(StreamPosition? position) => Tally.Reset(
        position, NumbersAfter, seq => Numbered.Keys.Where(key => key.Seq > seq).Select(key => new EpochStart(key.Epoch, key.Seq)));

    /// <summary>Whether an event needs no handler any more.</summary>
    public bool IsSettled(EventKey key) => key.Seq == 0
        ? Marked.ContainsKey(key.Id)
        : key.Seq <= (Tally.Position?.Seq ?? 0) || Tally.Ahead.Contains(new StreamPosition(key.Epoch, key.Seq));

    public void Mark(EventKey key, Settlement how)
    {
        if (key.Seq == 0) Marked.Add(key.Id, TimeProvider.System.GetUtcNow());
        Tally.Marked(key, how);
    }

    public void Unmark(long after, int belowEpoch)
    {
        Tally.Ahead = Tally.Ahead.Except(Tally.Ahead.Where(one => one.Seq > after && one.Epoch < belowEpoch));
        foreach (var key in Parked.Keys.Where(key => key.Seq > after && key.Epoch < belowEpoch).ToList()) Unpark(key, Settlement.Rewound);
        Reset(Tally.Position);
    }

    public void Unpark(EventKey key, Settlement becomes)
    {
        Parked.Remove(key);
        Tally.Counts = Tally.Counts.With(Settlement.Parked, -1).With(becomes);
    }

    public void SetUnnumbered(string id, StreamHold? hold)
    {
        if (!Unnumbered.TryGetValue(id, out var one) || one.Done) return;
        if (hold is null) Tally.UnnumberedWaiting--;
        Tally.UnnumberedFailed += (hold is { RetryAt: null } ? 1 : 0) - (one.Hold is { RetryAt: null } ? 1 : 0);
        Unnumbered[id] = one with { Done = hold is null, Hold = hold };
    }

    public string? IdOf(InboxEvent one) => StoreDecision.StoredId(one, Tally.Epochs, key => Numbered.GetValueOrDefault(key)?.Id);

    public StoreOutcome Store(InboxEvent one, StoreRules rules)
    {
        var outcome = one.Seq == 0
            ? Unnumbered.ContainsKey(one.Id) ? StoreOutcome.Duplicate : Tally.UnnumberedWaiting >= rules.Limit ? StoreOutcome.Full : StoreOutcome.Stored
            : StoreDecision.Decide(one, Tally, IdOf(one), rules);
        if (outcome == StoreOutcome.Duplicate) Tally.Counts = Tally.Counts with { Duplicates = Tally.Counts.Duplicates + 1 };
        if (outcome == StoreOutcome.Conflict) Tally.Hold = StoreDecision.ConflictOf(one);
        if (outcome != StoreOutcome.Stored) return outcome;
        if (one.Seq == 0) Unnumbered.Add(one.Id, new UnnumberedRow(one, false, null));
        else
        {
            Tally.Endpoint ??= one.Endpoint;
            Numbered.Add((one.Seq, one.Epoch), one);
        }

        Tally.Added(one, NumbersAfter);
        return outcome;
    }

    public List<InboxEvent> Read(long firstSeq, int limit)
    {
        var read = new List<InboxEvent>();
        foreach (var ((seq, epoch), one) in Numbered)
        {
            if (read.Count == limit) break;
            if (seq >= firstSeq && Tally.Epochs.Counts(epoch, seq) && (read.Count == 0 || read[^1].Seq < seq)) read.Add(one);
        }

        return read;
    }
}

/// <summary>An event without a number, and how it fares.</summary>
internal sealed record UnnumberedRow(InboxEvent Event, bool Done, StreamHold? Hold);
