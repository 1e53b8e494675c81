using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>Events of foreign senders: each on its own, so a failing one holds up no other.</summary>
internal sealed partial class Pump
{
    private async Task<PumpResult> RunUnnumberedAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        if (state.UnnumberedWaiting == 0) return default;
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
        if (!EnvelopeReader.TryRead(one.Event.Body.Span, out var envelope, out var broken))
            throw new InvalidDataException($"The stored envelope of event {one.Event.Id} cannot be read: {broken}.");
        await using (var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false))
        {
            // Marked before a crash came between the two files: the effect is there, and only the inbox does not know.
            if (await transaction.MarkAsync(one.Event.Id, stopping).ConfigureAwait(false))
            {
                var failure = source.Handlers.Find(envelope.Type) is { } call
                    ? await CallAsync(call, envelope, one.Event, one.Attempts + 1, transaction, options, stopping).ConfigureAwait(false)
                    : null;
                if (failure is not null)
                {
                    await transaction.DisposeAsync().ConfigureAwait(false);
                    LogHandlerFailed(failure, source.Name, one.Event.Id, 0, one.Attempts + 1, options.HandlerMaxAttempts);
                    var hold = HoldOf(one.Event, one.Attempts + 1, failure, one.Attempts + 1 >= options.HandlerMaxAttempts, options);
                    await source.Inbox.SetUnnumberedAsync(source.Name, one.Event.Id, hold, CancellationToken.None).ConfigureAwait(false);
                    return false;
                }

                await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }

        await source.Inbox.SetUnnumberedAsync(source.Name, one.Event.Id, null, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

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
