using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>What one turn of the pump came to.</summary>
/// <param name="Settled">How many events the watermark passed.</param>
/// <param name="WaitUntil">When to come again though nothing new is stored; null to wait for a signal.</param>
internal readonly record struct PumpResult(int Settled, DateTimeOffset? WaitUntil);

/// <summary>Processes a source's stored events: of the stream always the next number, effect and mark in one transaction.</summary>
internal sealed partial class Pump(ReceiverSource source, IServiceScopeFactory scopes, ReceiverMetrics metrics, Random random, ILogger<Pump> logger)
{
    /// <summary>How many events are read at once. They are bounded in size, and a turn ends with them so that a stop is not kept waiting.</summary>
    private const int ReadAhead = 32;

    // A new process may hold the fix for what the last one was blocked by, so it begins with a fresh round of attempts.
    private bool _isFresh = true;

    public async Task<PumpResult> RunOnceAsync(CancellationToken stopping)
    {
        if (_isFresh) await BeginAfreshAsync(stopping).ConfigureAwait(false);
        var unnumbered = await RunUnnumberedAsync(stopping).ConfigureAwait(false);
        var numbered = await RunStreamAsync(stopping).ConfigureAwait(false);
        return new PumpResult(
            unnumbered.Settled + numbered.Settled,
            new[] { unnumbered.WaitUntil, numbered.WaitUntil }.Min());
    }

    private async Task BeginAfreshAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        if (state.Hold is { RetryAt: null, Reason: not HoldReason.StreamConflict } || state.UnnumberedFailed > 0 || state.EventHolds.Count > 0)
            await source.Inbox.SetHoldAsync(source.Name, null, clearConflict: false, stopping).ConfigureAwait(false);
        _isFresh = false;
    }

    private async Task<PumpResult> RunStreamAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        metrics.Lag(source.Name, state.Waiting, state.Hold is { RetryAt: null } || source.Feed.Unrecoverable is not null);
        if (state.Position is not { } position) return default;
        if (state.Hold is { } hold && (hold.RetryAt is null || hold.RetryAt > source.Time.GetUtcNow())) return new PumpResult(0, hold.RetryAt);

        if (state.Epochs.Base(position) is var start && start < position.Seq)
            return await RewindAsync(state, position, start, stopping).ConfigureAwait(false);

        if (await DropSupersededAsync(state, position, stopping).ConfigureAwait(false) || await PassMarkedAsync(state, position, stopping).ConfigureAwait(false))
            return new PumpResult(0, source.Time.GetUtcNow());

        var ready = (int)Math.Min(ReadAhead, state.Contiguous - position.Seq);
        if (ready <= 0) return default;
        var next = await source.Inbox.ReadAsync(source.Name, position.Seq + 1, ready, stopping).ConfigureAwait(false);
        if (next.Count == 0 || next[0].Seq != position.Seq + 1) return await PassLostAsync(state, position, stopping).ConfigureAwait(false);

        var settled = 0;
        foreach (var stored in next)
        {
            // Lost numbers, or one that was settled by itself: the next turn passes them.
            if (stored.Seq != position.Seq + 1 || state.IsSettledAhead(stored.Seq)) break;
            var to = new StreamPosition(Math.Max(position.Epoch, state.Epochs.At(stored.Seq)), stored.Seq);
            // A hold is for the event it was met at; later ones begin afresh.
            var attempts = state.Hold is { } met && met.Seq == stored.Seq ? met.Attempts : 0;
            if (!await SettleAsync(stored, position, to, attempts, stopping).ConfigureAwait(false)) break;
            if (settled++ == 0 && state.Hold is not null) await source.Inbox.SetHoldAsync(source.Name, null, clearConflict: false, stopping).ConfigureAwait(false);
            position = to;
        }

        // A failure left its own time to come again in the hold.
        return new PumpResult(settled, source.Time.GetUtcNow());
    }

    /// <summary>A later epoch begins at or below the watermark: what was processed from there on is no longer the sender's truth.</summary>
    private async Task<PumpResult> RewindAsync(InboxState state, StreamPosition position, long start, CancellationToken stopping)
    {
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        var to = new StreamPosition(state.Epochs.At(start + 1), start);
        if (!await transaction.AdvanceAsync(position, to, Settlement.Rewound, stopping).ConfigureAwait(false)) return MovedElsewhere();
        await transaction.RecordPassedAsync(new PassedRange(position.Epoch, start + 1, position.Seq, "superseded"), stopping).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogRewound(source.Name, to.Epoch, start + 1, position.Seq, position.Epoch);
        return new PumpResult(0, source.Time.GetUtcNow());
    }

    /// <summary>What was settled by itself in an epoch that has been replaced there is no longer the sender's truth either.</summary>
    private async Task<bool> DropSupersededAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        if (state.SettledAhead.FirstOrDefault(mark => mark.Epoch < state.Epochs.At(mark.Seq)) is not { Seq: > 0 } first) return false;
        var latest = state.Epochs.Starts[^1];
        var start = state.Epochs.Starts.First(one => one.Epoch > first.Epoch && one.Seq <= first.Seq);
        var last = state.SettledAhead.Where(mark => mark.Epoch < start.Epoch).Max(mark => mark.Seq);
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        // Moves nothing, and fails when somebody else has moved it.
        if (!await transaction.AdvanceAsync(position, position, Settlement.Rewound, stopping).ConfigureAwait(false)) return false;
        await transaction.UnmarkAsync(start.Seq - 1, start.Epoch, stopping).ConfigureAwait(false);
        await transaction.RecordPassedAsync(new PassedRange(first.Epoch, first.Seq, last, "superseded"), stopping).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogRewound(source.Name, latest.Epoch, first.Seq, last, first.Epoch);
        return true;
    }

    /// <summary>Steps over what was settled by itself.</summary>
    private async Task<bool> PassMarkedAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        var end = state.SettledUpTo(position.Seq);
        if (end == position.Seq) return false;
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        var to = new StreamPosition(Math.Max(position.Epoch, state.Epochs.At(end)), end);
        if (!await transaction.AdvanceAsync(position, to, Settlement.Marked, stopping).ConfigureAwait(false)) return false;
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>Steps over numbers that were recorded as lost; without any, there is nothing to do.</summary>
    private async Task<PumpResult> PassLostAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        if (!state.Lost.Any(range => range.From <= position.Seq + 1 && range.To > position.Seq)) return default;
        var end = state.Lost.Where(range => range.From <= position.Seq + 1 && range.To > position.Seq).Max(range => range.To);
        var to = new StreamPosition(Math.Max(position.Epoch, state.Epochs.At(end)), end);
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        if (!await transaction.AdvanceAsync(position, to, Settlement.Lost, stopping).ConfigureAwait(false)) return MovedElsewhere();
        await transaction.RecordPassedAsync(new PassedRange(to.Epoch, position.Seq + 1, end, "lost"), stopping).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogPassedLost(source.Name, position.Seq + 1, end);
        return new PumpResult(0, source.Time.GetUtcNow());
    }

    /// <summary>Settles one event of the stream. False when it is not settled yet.</summary>
    private async Task<bool> SettleAsync(InboxEvent stored, StreamPosition from, StreamPosition to, int attempts, CancellationToken stopping)
    {
        var options = source.Settings.Options;
        if (!source.TryOpen(stored, out var envelope, out var broken))
            throw new InvalidDataException($"The stored envelope of event {stored.Id} cannot be read: {broken}.");
        var call = source.Handlers.Find(envelope.Type);
        if (call is null && !envelope.IsVoid && options.OnUnhandled == UnhandledPolicy.Block)
        {
            await HoldAsync(new StreamHold(HoldReason.Unhandled, stored.Seq, stored.Id, attempts, $"no handler takes {envelope.Type}", null)).ConfigureAwait(false);
            return false;
        }

        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        var how = envelope.IsVoid ? Settlement.Void : call is null ? Settlement.Unhandled : Settlement.Processed;
        // Before the handler, not after it: of two processes on one inbox the second is to find the mark, and not to repeat effects that no
        // transaction takes back.
        if (!await transaction.AdvanceAsync(from, to, how, stopping).ConfigureAwait(false))
        {
            MovedElsewhere();
            return false;
        }

        if (how == Settlement.Processed)
        {
            var failure = await CallAsync(call!, envelope, stored, attempts + 1, transaction, options, stopping).ConfigureAwait(false);
            if (failure is not null)
            {
                await transaction.DisposeAsync().ConfigureAwait(false);
                return await FailedAsync(stored, from, to, attempts + 1, failure, options, stopping).ConfigureAwait(false);
            }
        }

        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        metrics.Settled(source.Name, Word(how));
        return true;
    }

    /// <summary>Calls the handler in a scope of its own. Gives its exception; a stop of the application is no failure and passes through.</summary>
    private async Task<Exception?> CallAsync(
        HandlerCall call, Envelope envelope, InboxEvent stored, int attempt, IInboxTransaction transaction,
        WebhookReceiverOptions options, CancellationToken stopping)
    {
        using var activity = ReceiverMetrics.Activities.StartActivity("webhooks.handle", ActivityKind.Consumer);
        activity?.SetTag("webhooks.source", source.Name).SetTag("webhooks.event_id", stored.Id)
            .SetTag("webhooks.type", envelope.Type).SetTag("webhooks.seq", stored.Seq).SetTag("webhooks.attempt", attempt);
        using var timer = new CancellationTokenSource(options.HandlerTimeout, source.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stopping);
        var began = source.Time.GetTimestamp();
        Exception? failure = null;
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var context = new WebhookHandlerContext(scope.ServiceProvider, attempt, transaction.Connection, transaction.Transaction);
            await call(envelope.ToEvent(source.Name, stored), context, either.Token).ConfigureAwait(false);
            if (transaction.Transaction is { Connection: null })
                failure = new InvalidOperationException("The handler ended the transaction it was given; commit and rollback are the receiver's.");
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw;
        }
        // Whatever a handler throws is its failure.
        catch (Exception e)
        {
            failure = timer.IsCancellationRequested ? new TimeoutException($"The handler did not end within {options.HandlerTimeout}.", e) : e;
        }

        metrics.Handled(source.Name, source.Handlers.Tag(envelope.Type), source.Time.GetElapsedTime(began), failure is null);
        if (failure is not null) activity?.SetStatus(ActivityStatusCode.Error, failure.GetType().Name);
        return failure;
    }

    /// <summary>Decides what follows from a handler's failure. True when the event is parked and so settled.</summary>
    private async Task<bool> FailedAsync(
        InboxEvent stored, StreamPosition from, StreamPosition to, int attempts, Exception failure, WebhookReceiverOptions options, CancellationToken stopping)
    {
        var exhausted = attempts >= options.HandlerMaxAttempts;
        LogHandlerFailed(failure, source.Name, stored.Id, stored.Seq, attempts, options.HandlerMaxAttempts);
        if (exhausted && options.OnHandlerExhausted == ExhaustedPolicy.Park)
        {
            await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
            if (!await transaction.AdvanceAsync(from, to, Settlement.Parked, stopping).ConfigureAwait(false)) return false;
            await transaction.ParkAsync(new ParkedEvent(stored, attempts, Describe(failure), source.Time.GetUtcNow()), stopping).ConfigureAwait(false);
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            metrics.Settled(source.Name, Word(Settlement.Parked));
            LogParked(source.Name, stored.Id, stored.Seq);
            return true;
        }

        await HoldAsync(HoldOf(stored, attempts, failure, exhausted, options)).ConfigureAwait(false);
        return false;
    }

    private StreamHold HoldOf(InboxEvent stored, int attempts, Exception failure, bool exhausted, WebhookReceiverOptions options) => new(
        HoldReason.HandlerFailed, stored.Seq, stored.Id, attempts, Describe(failure), exhausted
            ? null
            : source.Time.GetUtcNow() + Backoff.Next(attempts, options.HandlerRetryMin, options.HandlerRetryMax, random.NextDouble()))
    {
        At = source.Time.GetUtcNow(),
    };

    private async Task HoldAsync(StreamHold hold)
    {
        await source.Inbox.SetHoldAsync(source.Name, hold, clearConflict: false, CancellationToken.None).ConfigureAwait(false);
        if (hold.RetryAt is null) LogBlocked(source.Name, hold.Seq, hold.Reason, hold.Detail);
    }

    private PumpResult MovedElsewhere()
    {
        LogMovedElsewhere(source.Name);
        return new PumpResult(0, source.Time.GetUtcNow() + TimeSpan.FromSeconds(1));
    }

    /// <summary>An exception in one line. Its message may come from a handler and so is cut.</summary>
    private static string Describe(Exception failure) =>
        $"{failure.GetType().Name}: {(failure.Message.Length > 500 ? failure.Message[..500] : failure.Message)}";

    private static string Word(Settlement how) => how switch
    {
        Settlement.Processed => "processed",
        Settlement.Unhandled => "unhandled",
        Settlement.Void => "void",
        Settlement.Parked => "parked",
        Settlement.Skipped => "skipped",
        _ => "lost",
    };
}
