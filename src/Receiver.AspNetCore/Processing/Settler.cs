using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>An event whose turn it is.</summary>
/// <param name="Event">The event.</param>
/// <param name="Attempts">How often its handler was called.</param>
/// <param name="From">Where the watermark stands that is to pass it; null when it is settled by itself.</param>
/// <param name="To">Where the watermark is to stand then.</param>
internal readonly record struct Candidate(InboxEvent Event, int Attempts, StreamPosition? From = null, StreamPosition To = default);

/// <summary>What became of an event.</summary>
/// <param name="IsSettled">Whether it is settled: now, or by somebody else before.</param>
/// <param name="IsElsewhere">Whether somebody else has moved the watermark, or settled it.</param>
/// <param name="Hold">What it waits for.</param>
internal readonly record struct Settled(bool IsSettled, bool IsElsewhere = false, StreamHold? Hold = null);

/// <summary>Settles one event: mark, effect and commit in one transaction, or what follows from the handler's failure. Many run at the same time.</summary>
internal sealed partial class Settler(ReceiverSource source, HandlerRunner runner, ReceiverMetrics metrics, Random random, ILogger logger)
{
    private WebhookReceiverOptions Options => source.Settings.Options;

    public async Task<Settled> SettleAsync(Candidate one, CancellationToken stopping)
    {
        var stored = one.Event;
        if (!source.TryOpen(stored, out var envelope, out var broken))
            throw new InvalidDataException($"The stored envelope of event {stored.Id} cannot be read: {broken}.");
        var call = envelope.IsVoid ? null : source.Handlers.Find(envelope.Type);
        var how = envelope.IsVoid ? Settlement.Void : call is null ? Settlement.Unhandled : Settlement.Processed;
        if (how == Settlement.Unhandled && stored.Seq > 0 && Options.OnUnhandled == UnhandledPolicy.Block)
            return await HoldAsync(one, new StreamHold(HoldReason.Unhandled, stored.Seq, stored.Id, one.Attempts, $"no handler takes {envelope.Type}", null)).ConfigureAwait(false);

        var isMarked = false;
        await using (var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false))
        {
            // Before the handler, not after it: of two processes on one inbox the second is to find the mark, and not to repeat effects that no
            // transaction takes back. It may also be there from before a crash, which came before the inbox was told.
            isMarked = await MarkAsync(transaction, one, how, stopping).ConfigureAwait(false);
            if (isMarked)
            {
                var failure = call is null ? null : await runner.RunAsync(call, envelope, stored, one.Attempts + 1, transaction, stopping).ConfigureAwait(false);
                failure ??= await HandlerRunner.CommitAsync(transaction).ConfigureAwait(false);
                if (failure is not null)
                {
                    await transaction.DisposeAsync().ConfigureAwait(false);
                    return await FailedAsync(one, failure, stopping).ConfigureAwait(false);
                }

                metrics.Settled(source.Name, HandlerRunner.Word(how));
                source.Watch?.Settled(envelope.ToEvent(source.Name, stored), how, one.Attempts + (call is null ? 0 : 1));
            }
        }

        return await DoneAsync(one, isElsewhere: !isMarked).ConfigureAwait(false);
    }

    /// <summary>Decides what follows from a failure at an event: it is parked and so settled, or it waits.</summary>
    public async Task<Settled> FailedAsync(Candidate one, Exception failure, CancellationToken stopping)
    {
        var (stored, attempts, options) = (one.Event, one.Attempts + 1, Options);
        var isExhausted = attempts >= options.HandlerMaxAttempts;
        LogHandlerFailed(failure, source.Name, stored.Id, new EventNumber(stored.Seq), attempts, options.HandlerMaxAttempts);
        if (source.TryOpen(stored, out var envelope, out _)) source.Watch?.Failed(envelope.ToEvent(source.Name, stored), attempts, failure);
        var now = source.Time.GetUtcNow();
        if (isExhausted && options.OnHandlerExhausted == ExhaustedPolicy.Park)
        {
            var isMarked = false;
            await using (var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false))
            {
                isMarked = await MarkAsync(transaction, one, Settlement.Parked, stopping).ConfigureAwait(false);
                if (isMarked)
                {
                    await transaction.ParkAsync(new ParkedEvent(stored, attempts, HandlerRunner.Describe(failure), now), stopping).ConfigureAwait(false);
                    await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                    metrics.Settled(source.Name, HandlerRunner.Word(Settlement.Parked));
                    LogParked(source.Name, stored.Id, new EventNumber(stored.Seq));
                    if (envelope is not null) source.Watch?.Settled(envelope.ToEvent(source.Name, stored), Settlement.Parked, attempts);
                }
            }

            return await DoneAsync(one with { Attempts = attempts }, isElsewhere: !isMarked).ConfigureAwait(false);
        }

        double chance;
        lock (random) chance = random.NextDouble();
        DateTimeOffset? retryAt = isExhausted ? null : now + Backoff.Next(attempts, options.HandlerRetryMin, options.HandlerRetryMax, chance);
        return await HoldAsync(
            one, new StreamHold(HoldReason.HandlerFailed, stored.Seq, stored.Id, attempts, HandlerRunner.Describe(failure), retryAt)).ConfigureAwait(false);
    }

    private static Task<bool> MarkAsync(IInboxTransaction transaction, Candidate one, Settlement how, CancellationToken stopping) =>
        one.From is { } from ? transaction.AdvanceAsync(from, one.To, how, stopping) : transaction.MarkAsync(one.Event.Key, how, stopping);

    private async Task<Settled> DoneAsync(Candidate one, bool isElsewhere)
    {
        if (one.From is not null) return new Settled(!isElsewhere, isElsewhere);
        // Of an event without a number the inbox has to be told; of one of the stream only when it waited for something.
        if (one.Event.Seq == 0 || one.Attempts > 0)
            await source.Inbox.SetEventHoldAsync(source.Name, one.Event.Key, null, CancellationToken.None).ConfigureAwait(false);
        return new Settled(true, isElsewhere);
    }

    private async Task<Settled> HoldAsync(Candidate one, StreamHold hold)
    {
        hold = hold with { At = source.Time.GetUtcNow() };
        if (one.From is not null) await source.Inbox.SetHoldAsync(source.Name, hold, clearConflict: false, CancellationToken.None).ConfigureAwait(false);
        else await source.Inbox.SetEventHoldAsync(source.Name, one.Event.Key, hold, CancellationToken.None).ConfigureAwait(false);
        if (hold.RetryAt is null)
        {
            if (one.From is not null) LogBlocked(source.Name, hold.Seq, hold.Reason, hold.Detail);
            else LogGivenUp(source.Name, one.Event.Id, new EventNumber(hold.Seq), hold.Reason, hold.Detail);
        }

        return new Settled(false, Hold: hold);
    }

    [LoggerMessage(300, LogLevel.Warning, "The handler of webhook source {Source} failed at event {EventId} ({Number}), attempt {Attempt} of {Max}")]
    private partial void LogHandlerFailed(Exception exception, string source, string eventId, EventNumber number, int attempt, int max);

    [LoggerMessage(301, LogLevel.Error, "Event {EventId} ({Number}) of webhook source {Source} is parked: its handler has used up its attempts")]
    private partial void LogParked(string source, string eventId, EventNumber number);

    [LoggerMessage(302, LogLevel.Error, "The stream of webhook source {Source} is blocked at number {Seq}: {Reason}, {Detail}")]
    private partial void LogBlocked(string source, long seq, HoldReason reason, string detail);

    [LoggerMessage(306, LogLevel.Error, "Event {EventId} ({Number}) of webhook source {Source} is blocked: {Reason}, {Detail}")]
    private partial void LogGivenUp(string source, string eventId, EventNumber number, HoldReason reason, string detail);
}
