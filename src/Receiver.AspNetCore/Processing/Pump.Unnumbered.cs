using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>Events of foreign senders: each on its own, so a failing one holds up no other.</summary>
internal sealed partial class Pump
{
    private async Task<PumpResult> RunUnnumberedAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        // Those that were given up wait for somebody, and not for a time.
        if (state.UnnumberedWaiting <= state.UnnumberedFailed) return default;
        var settled = 0;
        var due = await source.Inbox.ReadUnnumberedAsync(source.Name, source.Time.GetUtcNow(), ReadAhead, stopping).ConfigureAwait(false);
        foreach (var one in due)
            if (await SettleUnnumberedAsync(one, stopping).ConfigureAwait(false)) settled++;

        // What waits and is not due waits for its next attempt; a second's slack is nothing beside the backoff.
        var pause = due.Count == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.Zero;
        return new PumpResult(settled, source.Time.GetUtcNow() + pause);
    }

    private async Task<bool> SettleUnnumberedAsync(UnnumberedEvent one, CancellationToken stopping)
    {
        var options = source.Settings.Options;
        if (!source.TryOpen(one.Event, out var envelope, out var broken))
            throw new InvalidDataException($"The stored envelope of event {one.Event.Id} cannot be read: {broken}.");
        await using (var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false))
        {
            var how = source.Handlers.Find(envelope.Type) is null ? Settlement.Unhandled : Settlement.Processed;
            // Marked before a crash came between the two files: the effect is there, and only the inbox does not know.
            if (await transaction.MarkAsync(one.Event.Key, how, stopping).ConfigureAwait(false))
            {
                var failure = source.Handlers.Find(envelope.Type) is { } call
                    ? await CallAsync(call, envelope, one.Event, one.Attempts + 1, transaction, options, stopping).ConfigureAwait(false)
                    : null;
                if (failure is not null)
                {
                    await transaction.DisposeAsync().ConfigureAwait(false);
                    if (!await UnnumberedFailedAsync(one, failure, options, stopping).ConfigureAwait(false)) return false;
                }
                else
                {
                    await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                    metrics.Settled(source.Name, Word(how));
                }
            }
        }

        await source.Inbox.SetEventHoldAsync(source.Name, one.Event.Key, null, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>Decides what follows from a handler's failure. True when the event is parked and so settled.</summary>
    private async Task<bool> UnnumberedFailedAsync(UnnumberedEvent one, Exception failure, WebhookReceiverOptions options, CancellationToken stopping)
    {
        var (stored, attempts) = (one.Event, one.Attempts + 1);
        var exhausted = attempts >= options.HandlerMaxAttempts;
        LogHandlerFailed(failure, source.Name, stored.Id, 0, attempts, options.HandlerMaxAttempts);
        if (exhausted && options.OnHandlerExhausted == ExhaustedPolicy.Park)
        {
            await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
            if (!await transaction.MarkAsync(stored.Key, Settlement.Parked, stopping).ConfigureAwait(false)) return true;
            await transaction.ParkAsync(new ParkedEvent(stored, attempts, Describe(failure), source.Time.GetUtcNow()), stopping).ConfigureAwait(false);
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            metrics.Settled(source.Name, Word(Settlement.Parked));
            LogParked(source.Name, stored.Id, 0);
            return true;
        }

        var hold = HoldOf(stored, attempts, failure, exhausted, options);
        await source.Inbox.SetEventHoldAsync(source.Name, stored.Key, hold, CancellationToken.None).ConfigureAwait(false);
        if (exhausted) LogGivenUp(source.Name, stored.Id, hold.Detail);
        return false;
    }

    [LoggerMessage(306, LogLevel.Error, "The handler of webhook source {Source} has used up its attempts at event {EventId}, which has no number: {Detail}")]
    private partial void LogGivenUp(string source, string eventId, string detail);

    [LoggerMessage(300, LogLevel.Warning, "The handler of webhook source {Source} failed at event {EventId} (number {Seq}), attempt {Attempt} of {Max}")]
    private partial void LogHandlerFailed(Exception exception, string source, string eventId, long seq, int attempt, int max);

    [LoggerMessage(301, LogLevel.Error, "Event {EventId} (number {Seq}) of webhook source {Source} is parked: its handler has used up its attempts")]
    private partial void LogParked(string source, string eventId, long seq);

    [LoggerMessage(302, LogLevel.Error, "The stream of webhook source {Source} is blocked at number {Seq}: {Reason}, {Detail}")]
    private partial void LogBlocked(string source, long seq, HoldReason reason, string detail);

    [LoggerMessage(303, LogLevel.Warning, "The watermark of webhook source {Source} was moved by somebody else; another process works on the same inbox")]
    private partial void LogMovedElsewhere(string source);

    [LoggerMessage(304, LogLevel.Warning,
        "Webhook source {Source} goes back to where epoch {Epoch} begins: numbers {From} to {To} were processed in epoch {Old} and are superseded")]
    private partial void LogRewound(string source, int epoch, long from, long to, int old);

    [LoggerMessage(305, LogLevel.Error, "Webhook source {Source} passes numbers {From} to {To}, which cannot be had any more")]
    private partial void LogPassedLost(string source, long from, long to);
}
