using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>What one turn of the pump came to.</summary>
/// <param name="Settled">How many events were found settled.</param>
/// <param name="WaitUntil">When to come again though nothing new is stored; null to wait for a signal.</param>
internal readonly record struct PumpResult(int Settled, DateTimeOffset? WaitUntil);

/// <summary>
/// Processes a source's stored events, effect and mark in one transaction: of the stream always the next number, or, where events do not all wait for
/// each other, several at the same time. These outlive a turn; each gives the signal when it ends.
/// </summary>
internal sealed partial class Pump(ReceiverSource source, IServiceScopeFactory scopes, ReceiverMetrics metrics, Random random, ILogger<Pump> logger)
{
    /// <summary>How many events are read at once. They are bounded in size, and a turn ends with them so that a stop is not kept waiting.</summary>
    private const int ReadAhead = 32;

    private readonly Settler _settler = new(source, new HandlerRunner(source, scopes, metrics, logger), metrics, random, logger);

    // A new process may hold the fix for what the last one was blocked by, so it begins with a fresh round of attempts.
    private bool _isFresh = true;
    private ProcessingOrder _order;

    /// <summary>Settles what can be settled now, or begins to.</summary>
    /// <param name="stopping">Cancelled when the work is to be left to another process; handlers under way get it too.</param>
    public async Task<PumpResult> RunOnceAsync(CancellationToken stopping)
    {
        if (_isFresh) await BeginAfreshAsync(stopping).ConfigureAwait(false);
        if (_order != source.Settings.Options.Ordering)
        {
            await DrainAsync().ConfigureAwait(false);
            (_order, _at) = (source.Settings.Options.Ordering, null);
        }

        var ended = TakeEnded();
        var unnumbered = await RunUnnumberedAsync(stopping).ConfigureAwait(false);
        var numbered = await RunStreamAsync(stopping).ConfigureAwait(false);
        return new PumpResult(
            ended + unnumbered.Settled + numbered.Settled,
            new[] { unnumbered.WaitUntil, numbered.WaitUntil }.Min());
    }

    private async Task BeginAfreshAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        if (state.Hold is { RetryAt: null, Reason: not HoldReason.StreamConflict } || state.UnnumberedFailed > 0 || state.EventHolds.Any(hold => hold.RetryAt is null))
            await source.Inbox.SetHoldAsync(source.Name, null, clearConflict: false, stopping).ConfigureAwait(false);
        _order = source.Settings.Options.Ordering;
        _isFresh = false;
    }

    private async Task<PumpResult> RunStreamAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        metrics.Lag(source.Name, state.Waiting, state.IsBlocked || source.Feed.Unrecoverable is not null);
        if (state.Position is not { } position) return await BeginAsync(state, stopping).ConfigureAwait(false);
        if (state.Hold is { Reason: not HoldReason.StreamConflict, Seq: > 0 } stale && stale.Seq <= position.Seq)
        {
            // Somebody had the event passed over that the stream was waiting at.
            await source.Inbox.SetHoldAsync(source.Name, null, clearConflict: false, stopping).ConfigureAwait(false);
            return new PumpResult(0, source.Time.GetUtcNow());
        }

        // Of a conflict nothing may be settled, in whatever order; other holds of the stream are of the order in which all wait for each other.
        var hold = _order == ProcessingOrder.Stream || state.Hold is { Reason: HoldReason.StreamConflict } ? state.Hold : null;
        if (hold is not null && (hold.RetryAt is null || hold.RetryAt > source.Time.GetUtcNow())) return new PumpResult(0, hold.RetryAt);

        if (state.Epochs.Base(position) is var start && start < position.Seq)
            return await GoBackAsync(state, position, start, stopping).ConfigureAwait(false);
        if (await DropSupersededAsync(state, position, stopping).ConfigureAwait(false)) return new PumpResult(0, source.Time.GetUtcNow());
        return _order == ProcessingOrder.Stream
            ? await RunInOrderAsync(state, position, stopping).ConfigureAwait(false)
            : await RunLanesAsync(state, position, stopping).ConfigureAwait(false);
    }

    private async Task<PumpResult> RunInOrderAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        if (await PassMarkedAsync(state, position, stopping).ConfigureAwait(false)) return new PumpResult(0, source.Time.GetUtcNow());
        var ready = (int)Math.Min(ReadAhead, state.Contiguous - position.Seq);
        if (ready <= 0) return default;
        var next = await source.Inbox.ReadAsync(source.Name, position.Seq + 1, ready, stopping).ConfigureAwait(false);
        if (next.Count == 0 || next[0].Seq != position.Seq + 1)
            return await PassLostAsync(state, position, next is [var first, ..] ? first.Seq : null, stopping).ConfigureAwait(false)
                ? new PumpResult(0, source.Time.GetUtcNow())
                : default;

        var settled = 0;
        foreach (var stored in next)
        {
            // Lost numbers, or one that was settled by itself: the next turn passes them.
            if (stored.Seq != position.Seq + 1 || state.IsSettledAhead(stored.Seq)) break;
            var to = PositionAt(state, position, stored.Seq);
            // A hold is for the event it was met at; later ones begin afresh.
            var attempts = state.Hold is { } met && met.Seq == stored.Seq ? met.Attempts : 0;
            var outcome = await _settler.SettleAsync(new Candidate(stored, attempts, position, to), stopping).ConfigureAwait(false);
            if (outcome.IsElsewhere) return MovedElsewhere();
            if (!outcome.IsSettled) break;
            if (settled++ == 0 && state.Hold is not null) await source.Inbox.SetHoldAsync(source.Name, null, clearConflict: false, stopping).ConfigureAwait(false);
            position = to;
        }

        // A failure left its own time to come again in the hold.
        return new PumpResult(settled, source.Time.GetUtcNow());
    }

    private static StreamPosition PositionAt(InboxState state, StreamPosition position, long seq) =>
        new(Math.Max(position.Epoch, state.Epochs.At(seq)), seq);

    private PumpResult MovedElsewhere()
    {
        LogMovedElsewhere(source.Name);
        return new PumpResult(0, source.Time.GetUtcNow() + TimeSpan.FromSeconds(1));
    }

    [LoggerMessage(303, LogLevel.Warning, "The watermark of webhook source {Source} was moved by somebody else; another process works on the same inbox")]
    private partial void LogMovedElsewhere(string source);
}
