using System.Data.Common;

namespace Webhooks.Receiver;

/// <summary>An inbox without a disk, for tests; it behaves as the others do, but for a handler's transaction, of which there is none.</summary>
internal sealed class MemoryInbox : IWebhookInbox
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Shelf> _shelves = new(StringComparer.Ordinal);

    public Task<IReadOnlyList<StoreOutcome>> StoreAsync(
        string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken) =>
        With(source, shelf => StoreDecision.StoreAll(events, shelf.Tally, shelf.IdOf, rules, shelf.Store));

    public Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken) => With(source, shelf => shelf.Tally.Snapshot());

    public Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<InboxEvent>>(source, shelf => shelf.Run(firstSeq, limit));

    public Task<IReadOnlyList<SeqRange>> FindGapsAsync(string source, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<SeqRange>>(source, shelf =>
            [.. SeqScan.Gaps(shelf.Tally.Contiguous, shelf.NumbersAfter(shelf.Tally.Contiguous), shelf.Tally.Lost).Take(limit)]);

    public Task<bool> StartAsync(string source, StreamPosition position, bool suspect, CancellationToken cancellationToken) => With(source, shelf =>
    {
        if (shelf.Tally.Position is not null) return false;
        shelf.Tally.Suspect = suspect;
        shelf.Reset(position);
        return true;
    });

    public Task<bool> BindAsync(string source, string endpoint, CancellationToken cancellationToken) =>
        With(source, shelf => (shelf.Tally.Endpoint ??= endpoint) == endpoint);

    public Task AddEpochAsync(string source, EpochStart epoch, CancellationToken cancellationToken) => With(source, shelf =>
    {
        shelf.Tally.Begin(epoch);
        if (shelf.Tally.Position is { } position) shelf.Reset(position);
        return true;
    });

    public Task AddLostAsync(string source, SeqRange range, CancellationToken cancellationToken) => With(source, shelf =>
    {
        shelf.Tally.Lost.Add(range);
        shelf.Reset(shelf.Tally.Position);
        return true;
    });

    public Task SetHoldAsync(string source, StreamHold? hold, bool clearConflict, CancellationToken cancellationToken) => With(source, shelf =>
    {
        shelf.Tally.SetHold(hold, clearConflict);
        if (hold is not null) return true;
        foreach (var (id, one) in shelf.Unnumbered.Where(one => one.Value.Hold is { RetryAt: null }).ToList()) shelf.Unnumbered[id] = one with { Hold = null };
        shelf.Tally.UnnumberedFailed = 0;
        return true;
    });

    public Task AcknowledgeAsync(string source, CancellationToken cancellationToken) => With(source, shelf => shelf.Tally.Suspect = false);

    public Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken) =>
        With<IInboxTransaction>(source, shelf => new Transaction_(this, shelf));

    public Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<UnnumberedEvent>>(source, shelf => [.. shelf.Unnumbered.Values
            .Where(one => !one.Done && (one.Hold is null || one.Hold.RetryAt <= now)).Take(limit)
            .Select(one => new UnnumberedEvent(one.Event, one.Hold?.Attempts ?? 0))]);

    public Task SetUnnumberedAsync(string source, string eventId, StreamHold? hold, CancellationToken cancellationToken) => With(source, shelf =>
    {
        var one = shelf.Unnumbered[eventId];
        if (hold is null && !one.Done) shelf.Tally.UnnumberedWaiting--;
        if (hold is { RetryAt: null }) shelf.Tally.UnnumberedFailed++;
        shelf.Unnumbered[eventId] = one with { Done = hold is null, Hold = hold };
        return true;
    });

    public Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<PassedRange>>(source, shelf => [.. shelf.Passed.Take(limit)]);

    public Task<int> PruneAsync(string source, DateTimeOffset receivedBefore, CancellationToken cancellationToken) => With(source, shelf =>
    {
        var settled = shelf.Numbered.Where(one => one.Key.Seq <= shelf.Tally.Base && one.Value.ReceivedAt < receivedBefore).Select(one => one.Key).ToList();
        var done = shelf.Unnumbered.Where(one => one.Value.Done && one.Value.Event.ReceivedAt < receivedBefore).Select(one => one.Key).ToList();
        settled.ForEach(key => shelf.Numbered.Remove(key));
        done.ForEach(key => shelf.Unnumbered.Remove(key));
        return settled.Count + done.Count;
    });

    private Task<T> With<T>(string source, Func<Shelf, T> act)
    {
        lock (_gate)
        {
            if (!_shelves.TryGetValue(source, out var shelf)) _shelves.Add(source, shelf = new Shelf());
            return Task.FromResult(act(shelf));
        }
    }

    private sealed record Unnumbered(InboxEvent Event, bool Done, StreamHold? Hold);

    private sealed class Shelf
    {
        public InboxTally Tally { get; } = new();

        public SortedDictionary<(long Seq, int Epoch), InboxEvent> Numbered { get; } = [];

        public Dictionary<string, Unnumbered> Unnumbered { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Marked { get; } = new(StringComparer.Ordinal);

        public List<PassedRange> Passed { get; } = [];

        public IEnumerable<long> NumbersAfter(long seq) =>
            Numbered.Keys.Where(key => key.Seq > seq && Tally.Epochs.Counts(key.Epoch, key.Seq)).Select(key => key.Seq);

        public void Reset(StreamPosition? position) => Tally.Reset(
            position, NumbersAfter, seq => Numbered.Keys.Where(key => key.Seq > seq).Select(key => new EpochStart(key.Epoch, key.Seq)));

        public string? IdOf(InboxEvent one) => StoreDecision.StoredId(one, Tally.Epochs, key => Numbered.GetValueOrDefault(key)?.Id);

        public StoreOutcome Store(InboxEvent one, StoreRules rules)
        {
            var outcome = one.Seq == 0
                ? Unnumbered.ContainsKey(one.Id) ? StoreOutcome.Duplicate : Tally.UnnumberedWaiting >= rules.Limit ? StoreOutcome.Full : StoreOutcome.Stored
                : StoreDecision.Decide(one, Tally, IdOf(one), rules);
            if (outcome == StoreOutcome.Duplicate) Tally.Counts = Tally.Counts with { Duplicates = Tally.Counts.Duplicates + 1 };
            if (outcome == StoreOutcome.Conflict) Tally.Hold = StoreDecision.ConflictOf(one);
            if (outcome != StoreOutcome.Stored) return outcome;
            if (one.Seq == 0) Unnumbered.Add(one.Id, new Unnumbered(one, false, null));
            else
            {
                Tally.Endpoint ??= one.Endpoint;
                Numbered.Add((one.Seq, one.Epoch), one);
            }

            Tally.Added(one, NumbersAfter);
            return outcome;
        }

        public List<InboxEvent> Run(long firstSeq, int limit)
        {
            var run = new List<InboxEvent>();
            foreach (var ((seq, epoch), one) in Numbered)
            {
                if (seq < firstSeq + run.Count || !Tally.Epochs.Counts(epoch, seq)) continue;
                if (seq != firstSeq + run.Count || run.Count == limit) break;
                run.Add(one);
            }

            return run;
        }
    }

    /// <summary>Collects what is to happen, and lets all of it happen at once.</summary>
    private sealed class Transaction_(MemoryInbox inbox, Shelf shelf) : IInboxTransaction
    {
        private readonly List<Action> _steps = [];

        public DbConnection? Connection => null;

        public DbTransaction? Transaction => null;

        public Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken)
        {
            if (shelf.Tally.Position != from) return Task.FromResult(false);
            _steps.Add(how == Settlement.Rewound ? () => shelf.Reset(to) : () => shelf.Tally.Advance(to, how));
            return Task.FromResult(true);
        }

        public Task<bool> MarkAsync(string eventId, CancellationToken cancellationToken)
        {
            if (shelf.Marked.Contains(eventId)) return Task.FromResult(false);
            _steps.Add(() =>
            {
                shelf.Marked.Add(eventId);
                shelf.Tally.Counts = shelf.Tally.Counts with { Processed = shelf.Tally.Counts.Processed + 1 };
            });
            return Task.FromResult(true);
        }

        public Task ParkAsync(InboxEvent parked, string reason, DateTimeOffset at, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken)
        {
            _steps.Add(() => shelf.Passed.Add(range));
            return Task.CompletedTask;
        }

        public Task CommitAsync(CancellationToken cancellationToken)
        {
            lock (inbox._gate) _steps.ForEach(step => step());
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
