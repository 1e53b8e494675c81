
namespace Webhooks.Receiver;

/// <summary>An inbox without a disk, for tests; it behaves as the others do, but for a handler's transaction, of which there is none.</summary>
internal sealed class MemoryInbox : IWebhookInbox
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MemoryShelf> _shelves = new(StringComparer.Ordinal);

    public Task<IReadOnlyList<StoreOutcome>> StoreAsync(
        string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken) =>
        With(source, shelf => StoreDecision.StoreAll(events, shelf.Tally, shelf.IdOf, rules, shelf.Store));

    public Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken) => With(source, shelf => shelf.Tally.Snapshot());

    public Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<InboxEvent>>(source, shelf => shelf.Read(firstSeq, limit));

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
        shelf.Tally.EventHolds.Clear();
        return true;
    });

    public Task AcknowledgeAsync(string source, CancellationToken cancellationToken) => With(source, shelf => shelf.Tally.Suspect = false);

    public Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken) =>
        With<IInboxTransaction>(source, shelf => new MemoryTransaction(_gate, shelf));

    public Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<UnnumberedEvent>>(source, shelf => [.. shelf.Unnumbered.Values
            .Where(one => !one.Done && (one.Hold is null || one.Hold.RetryAt <= now)).Take(limit)
            .Select(one => new UnnumberedEvent(one.Event, one.Hold))]);

    public Task SetEventHoldAsync(string source, EventKey key, StreamHold? hold, CancellationToken cancellationToken) => With(source, shelf =>
    {
        if (key.Seq > 0) shelf.Tally.SetEventHold(key, hold);
        else shelf.SetUnnumbered(key.Id, hold);
        return true;
    });

    public Task<IReadOnlyList<UnnumberedEvent>> ReadFailedUnnumberedAsync(
        string source, string? eventId, string afterId, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<UnnumberedEvent>>(source, shelf => [.. shelf.Unnumbered.Values
            .Where(one => one is { Done: false, Hold: not null } && (eventId ?? one.Event.Id) == one.Event.Id && string.CompareOrdinal(one.Event.Id, afterId) > 0)
            .OrderBy(one => one.Event.Id, StringComparer.Ordinal).Take(limit).Select(one => new UnnumberedEvent(one.Event, one.Hold))]);

    public Task<IReadOnlyList<ParkedEvent>> ReadParkedAsync(
        string source, string? eventId, EventKey after, int limit, CancellationToken cancellationToken) =>
        With<IReadOnlyList<ParkedEvent>>(source, shelf => [.. shelf.Parked.Values
            .Where(one => (eventId ?? one.Event.Id) == one.Event.Id && MemoryShelf.KeyOrder.Compare(one.Event.Key, after) > 0).Take(limit)]);

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

    public Task<int> PruneMarksAsync(string source, DateTimeOffset processedBefore, CancellationToken cancellationToken) => With(source, shelf =>
    {
        var old = shelf.Marked.Where(one => one.Value < processedBefore && !shelf.Parked.ContainsKey(new EventKey(0, 0, one.Key))).Select(one => one.Key).ToList();
        old.ForEach(id => shelf.Marked.Remove(id));
        return old.Count;
    });

    private Task<T> With<T>(string source, Func<MemoryShelf, T> act)
    {
        lock (_gate)
        {
            if (!_shelves.TryGetValue(source, out var shelf)) _shelves.Add(source, shelf = new MemoryShelf());
            return Task.FromResult(act(shelf));
        }
    }
}
