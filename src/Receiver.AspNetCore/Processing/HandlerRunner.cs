using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>Calls a source's handlers, each in a scope of its own.</summary>
internal sealed partial class HandlerRunner(ReceiverSource source, IServiceScopeFactory scopes, ReceiverMetrics metrics, ILogger logger)
{
    private const int MaxDescription = 500;

    /// <summary>Calls a handler. Gives its exception; a stop of the application is no failure and passes through.</summary>
    /// <param name="call">The handler.</param>
    /// <param name="envelope">What the event says.</param>
    /// <param name="stored">The event.</param>
    /// <param name="attempt">Which attempt this is, from 1.</param>
    /// <param name="transaction">Where its effects go.</param>
    /// <param name="stopping">Cancelled when it is to be left to the next process.</param>
    public async Task<Exception?> RunAsync(
        HandlerCall call, Envelope envelope, InboxEvent stored, int attempt, IInboxTransaction transaction, CancellationToken stopping)
    {
        var limit = source.Settings.Options.HandlerTimeout;
        using var activity = ReceiverMetrics.Activities.StartActivity("webhooks.handle", ActivityKind.Consumer);
        activity?.SetTag("webhooks.source", source.Name).SetTag("webhooks.event_id", stored.Id)
            .SetTag("webhooks.type", envelope.Type).SetTag("webhooks.seq", stored.Seq).SetTag("webhooks.attempt", attempt);
        using var timer = new CancellationTokenSource(limit, source.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stopping);
        // One that takes no notice of its token can only be waited for; what must not be is that nobody hears of it.
        var overdue = timer.Token.UnsafeRegister(_ => Overdue(stored, limit), null);
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
            failure = timer.IsCancellationRequested ? new TimeoutException($"The handler did not end within {limit}.", e) : e;
        }
        finally
        {
            // Waits for it, if it is being told just now.
            await overdue.DisposeAsync().ConfigureAwait(false);
            source.Overdue.TryRemove(stored.Key, out _);
        }

        metrics.Handled(source.Name, source.Handlers.Tag(envelope.Type), source.Time.GetElapsedTime(began), failure is null);
        if (failure is not null) activity?.SetStatus(ActivityStatusCode.Error, failure.GetType().Name);
        return failure;
    }

    /// <summary>Commits what a handler did. Gives what keeps it from being committed, where that is the handler's own doing.</summary>
    public static async Task<Exception?> CommitAsync(IInboxTransaction transaction)
    {
        try
        {
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            return null;
        }
        // Taken for trouble of the inbox it would be tried again without end, and nobody would learn at which event.
        catch (HandlerTransactionException misused)
        {
            return misused;
        }
    }

    private void Overdue(InboxEvent stored, TimeSpan limit)
    {
        var number = new EventNumber(stored.Seq);
        source.Overdue[stored.Key] = $"the handler of event {stored.Id} ({number}) has not ended within {limit}, and is waited for";
        LogOverdue(source.Name, stored.Id, number, limit);
    }

    [LoggerMessage(307, LogLevel.Warning, "The handler of webhook source {Source} at event {EventId} ({Number}) has not ended within {Limit}; its token is cancelled, and it is waited for")]
    private partial void LogOverdue(string source, string eventId, EventNumber number, TimeSpan limit);

    /// <summary>
    /// An exception in one line. Its message may come from a handler, and hold what a customer sent: it is cut, and what no database stores as text is replaced, or the
    /// failure itself could not be recorded.
    /// </summary>
    public static string Describe(Exception failure)
    {
        var text = new StringBuilder(failure.GetType().Name).Append(": ");
        foreach (var rune in failure.Message.EnumerateRunes())
        {
            if (text.Length + rune.Utf16SequenceLength > MaxDescription) break;
            // Half of a surrogate pair is enumerated as U+FFFD.
            text.Append((rune.Value == 0 ? Rune.ReplacementChar : rune).ToString());
        }

        return text.ToString();
    }

    /// <summary>How an event was settled, as metrics say it.</summary>
    public static string Word(Settlement how) => how switch
    {
        Settlement.Processed => "processed",
        Settlement.Unhandled => "unhandled",
        Settlement.Void => "void",
        Settlement.Parked => "parked",
        Settlement.Skipped => "skipped",
        _ => "lost",
    };
}
