using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <inheritdoc/>
internal sealed partial class ReceiverAdministration(
    ReceiverRegistry registry, IServiceScopeFactory scopes, ReceiverMetrics metrics, IHttpClientFactory clients,
    IEnumerable<SourceRegistration> registrations, ILogger<ReceiverAdministration> logger) : IWebhookReceiverAdministration
{
    public Task<HeldEventPage> ListHeldAsync(string source, string? after = null, int limit = 50, CancellationToken cancellationToken = default) =>
        new HeldEvents(registry.Get(source)).ListAsync(parked: false, after, limit, cancellationToken);

    public Task<HeldEventPage> ListParkedAsync(string source, string? after = null, int limit = 50, CancellationToken cancellationToken = default) =>
        new HeldEvents(registry.Get(source)).ListAsync(parked: true, after, limit, cancellationToken);

    public async Task<HeldEvent?> FindAsync(string source, string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(eventId);
        var held = new HeldEvents(registry.Get(source));
        if (await held.FindParkedAsync(eventId, cancellationToken).ConfigureAwait(false) is { } parked) return held.Show(parked);
        return await held.FindWaitingAsync(eventId, cancellationToken).ConfigureAwait(false) is { } waiting ? held.Show(waiting.Stored, waiting.Hold) : null;
    }

    public async Task<AdministrationResult> RetryAsync(string source, string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(eventId);
        var known = registry.Get(source);
        var held = new HeldEvents(known);
        if (await held.FindParkedAsync(eventId, cancellationToken).ConfigureAwait(false) is { } parked)
            return await ActAsync(known, eventId, () => RetryParkedAsync(known, parked, cancellationToken)).ConfigureAwait(false);
        if (await held.FindWaitingAsync(eventId, cancellationToken).ConfigureAwait(false) is not { } waiting) return NotFound(eventId, "waits or is parked");
        var (stored, hold) = waiting;
        var state = await known.Inbox.GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        // The stream's own is lifted and not written anew, which is for the process that leads alone. The event is what counts: an attempt may have failed meanwhile.
        if (state.Hold is { } own && (own.Seq, own.EventId) == (hold.Seq, hold.EventId))
            await known.Inbox.SetHoldAsync(source, null, clearConflict: false, cancellationToken).ConfigureAwait(false);
        else
            await known.Inbox.SetEventHoldAsync(source, stored.Key, hold with { Attempts = 0, RetryAt = known.Time.GetUtcNow() }, cancellationToken).ConfigureAwait(false);
        known.Stored.Set();
        LogRetried(source, eventId);
        return AdministrationResult.Done;
    }

    public async Task<AdministrationResult> SkipAsync(string source, string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(eventId);
        var known = registry.Get(source);
        if (await new HeldEvents(known).FindWaitingAsync(eventId, cancellationToken).ConfigureAwait(false) is not { } waiting) return NotFound(eventId, "waits");
        return await ActAsync(known, eventId, () => SkipAsync(known, waiting.Stored.Key, cancellationToken)).ConfigureAwait(false);
    }

    public async Task<AdministrationResult> DiscardAsync(string source, string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(eventId);
        var known = registry.Get(source);
        if (await new HeldEvents(known).FindParkedAsync(eventId, cancellationToken).ConfigureAwait(false) is not { } parked) return NotFound(eventId, "is parked");
        return await ActAsync(known, eventId, () => DiscardAsync(known, parked.Event.Key, cancellationToken)).ConfigureAwait(false);
    }

    private async Task<AdministrationResult> RetryParkedAsync(ReceiverSource source, ParkedEvent parked, CancellationToken cancellationToken)
    {
        var stored = parked.Event;
        if (!source.TryOpen(stored, out var envelope, out var broken))
            return new AdministrationResult(AdministrationOutcome.NotPossible, $"The stored envelope cannot be read: {broken}.");
        if (source.Handlers.Find(envelope.Type) is not { } call)
            return new AdministrationResult(AdministrationOutcome.NotPossible, $"No handler takes {envelope.Type}.");
        var attempt = parked.Attempts + 1;
        Exception? failure;
        await using (var transaction = await source.Inbox.BeginAsync(source.Name, cancellationToken).ConfigureAwait(false))
        {
            // Before the handler: of two that retry it at the same time, the second is not to get as far as that.
            if (!await transaction.UnparkAsync(stored.Key, Settlement.Processed, cancellationToken).ConfigureAwait(false)) return Overtaken(stored.Id);
            failure = await new HandlerRunner(source, scopes, metrics, logger).RunAsync(call, envelope, stored, attempt, transaction, cancellationToken).ConfigureAwait(false);
            failure ??= await HandlerRunner.CommitAsync(transaction).ConfigureAwait(false);
            if (failure is null)
            {
                metrics.Settled(source.Name, HandlerRunner.Word(Settlement.Processed));
                LogRetried(source.Name, stored.Id);
                source.Watch?.Settled(envelope.ToEvent(source.Name, stored), Settlement.Processed, attempt);
                return AdministrationResult.Done;
            }
        }

        var why = HandlerRunner.Describe(failure);
        await using var again = await source.Inbox.BeginAsync(source.Name, CancellationToken.None).ConfigureAwait(false);
        if (!await again.UnparkAsync(stored.Key, Settlement.Parked, CancellationToken.None).ConfigureAwait(false)) return Overtaken(stored.Id);
        await again.ParkAsync(new ParkedEvent(stored, attempt, why, source.Time.GetUtcNow()), CancellationToken.None).ConfigureAwait(false);
        await again.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogRetryFailed(failure, source.Name, stored.Id);
        return new AdministrationResult(AdministrationOutcome.HandlerFailed, why);
    }

    private async Task<AdministrationResult> SkipAsync(ReceiverSource source, EventKey key, CancellationToken cancellationToken)
    {
        InboxState state;
        await using (var transaction = await source.Inbox.BeginAsync(source.Name, cancellationToken).ConfigureAwait(false))
        {
            state = await source.Inbox.GetStateAsync(source.Name, cancellationToken).ConfigureAwait(false);
            // The mark keeps one from handling it who marks events, the moved watermark one who moves that.
            if (!await transaction.MarkAsync(key, Settlement.Skipped, cancellationToken).ConfigureAwait(false)) return Overtaken(key.Id);
            if (key.Seq > 0 && state.Position is { } position && position.Seq + 1 == key.Seq)
            {
                var to = new StreamPosition(Math.Max(position.Epoch, state.Epochs.At(key.Seq)), key.Seq);
                if (!await transaction.AdvanceAsync(position, to, Settlement.Marked, cancellationToken).ConfigureAwait(false)) return Overtaken(key.Id);
            }

            if (key.Seq > 0) await transaction.RecordPassedAsync(new PassedRange(key.Epoch, key.Seq, key.Seq, "skipped"), cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        metrics.Settled(source.Name, HandlerRunner.Word(Settlement.Skipped));
        LogSkipped(source.Name, key.Id, new EventNumber(key.Seq));
        // The stream's own hold is lifted by whoever goes on with the stream, for it is then of an event that the watermark has passed.
        await source.Inbox.SetEventHoldAsync(source.Name, key, null, CancellationToken.None).ConfigureAwait(false);
        source.Stored.Set();
        return AdministrationResult.Done;
    }

    private async Task<AdministrationResult> DiscardAsync(ReceiverSource source, EventKey key, CancellationToken cancellationToken)
    {
        await using var transaction = await source.Inbox.BeginAsync(source.Name, cancellationToken).ConfigureAwait(false);
        if (!await transaction.UnparkAsync(key, Settlement.Skipped, cancellationToken).ConfigureAwait(false)) return Overtaken(key.Id);
        if (key.Seq > 0) await transaction.RecordPassedAsync(new PassedRange(key.Epoch, key.Seq, key.Seq, "discarded"), cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogDiscarded(source.Name, key.Id, new EventNumber(key.Seq));
        return AdministrationResult.Done;
    }

    /// <summary>An inbox may find out at the commit only that somebody else was faster.</summary>
    private static async Task<AdministrationResult> ActAsync(ReceiverSource source, string eventId, Func<Task<AdministrationResult>> act)
    {
        try
        {
            return await act().ConfigureAwait(false);
        }
        catch (InboxUnavailableException)
        {
            var held = new HeldEvents(source);
            var isThere = await held.FindParkedAsync(eventId, CancellationToken.None).ConfigureAwait(false) is not null
                || await held.FindWaitingAsync(eventId, CancellationToken.None).ConfigureAwait(false) is not null;
            if (isThere) throw;
            return Overtaken(eventId);
        }
    }

    private static AdministrationResult NotFound(string eventId, string what) =>
        new(AdministrationOutcome.NotFound, $"There is no event {eventId} that {what}.");

    private static AdministrationResult Overtaken(string what) =>
        new(AdministrationOutcome.Overtaken, $"Somebody else has settled {what} meanwhile, or works on it.");

    [LoggerMessage(800, LogLevel.Warning, "Event {EventId} of webhook source {Source} was retried on request")]
    private partial void LogRetried(string source, string eventId);

    [LoggerMessage(801, LogLevel.Warning, "Event {EventId} of webhook source {Source} was retried on request, and its handler failed again")]
    private partial void LogRetryFailed(Exception exception, string source, string eventId);

    [LoggerMessage(802, LogLevel.Warning, "Event {EventId} ({Number}) of webhook source {Source} was skipped on request")]
    private partial void LogSkipped(string source, string eventId, EventNumber number);

    [LoggerMessage(803, LogLevel.Warning, "Event {EventId} ({Number}) of webhook source {Source}, which was parked, was discarded on request")]
    private partial void LogDiscarded(string source, string eventId, EventNumber number);

    [LoggerMessage(804, LogLevel.Warning, "Webhook source {Source} goes back on request: numbers {From} to {To} are processed again")]
    private partial void LogRewound(string source, long from, long to);
}
