using Webhooks.Receiver;

namespace Webhooks.Bench.Receiving;

/// <summary>Takes everything and keeps nothing: what intake costs without a store.</summary>
internal sealed class NullInbox : IWebhookInbox
{
    private static readonly Task<IReadOnlyList<StoreOutcome>> One = Task.FromResult<IReadOnlyList<StoreOutcome>>([StoreOutcome.Stored]);
    private readonly Task<InboxState> _nothing = Task.FromResult(new InboxState());

    public Task<IReadOnlyList<StoreOutcome>> StoreAsync(string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken) => One;

    public Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken) => _nothing;

    public Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken) => None<InboxEvent>();

    public Task<IReadOnlyList<SeqRange>> FindGapsAsync(string source, int limit, CancellationToken cancellationToken) => None<SeqRange>();

    public Task<bool> StartAsync(string source, StreamPosition position, bool suspect, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task<bool> BindAsync(string source, string endpoint, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task AddEpochAsync(string source, EpochStart epoch, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task AddLostAsync(string source, SeqRange range, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task SetHoldAsync(string source, StreamHold? hold, bool clearConflict, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task AcknowledgeAsync(string source, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken) => throw new NotSupportedException("Nothing is kept, so nothing is handled.");

    public Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken) => None<UnnumberedEvent>();

    public Task SetEventHoldAsync(string source, EventKey key, StreamHold? hold, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<UnnumberedEvent>> ReadFailedUnnumberedAsync(
        string source, string? eventId, string afterId, int limit, CancellationToken cancellationToken) => None<UnnumberedEvent>();

    public Task<IReadOnlyList<ParkedEvent>> ReadParkedAsync(string source, string? eventId, EventKey after, int limit, CancellationToken cancellationToken) => None<ParkedEvent>();

    public Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken) => None<PassedRange>();

    public Task<int> PruneAsync(string source, DateTimeOffset receivedBefore, CancellationToken cancellationToken) => Task.FromResult(0);

    private static Task<IReadOnlyList<T>> None<T>() => Task.FromResult<IReadOnlyList<T>>([]);
}
