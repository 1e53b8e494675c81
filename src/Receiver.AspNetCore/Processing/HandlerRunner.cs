using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver;

/// <summary>Calls a source's handlers, each in a scope of its own.</summary>
internal sealed class HandlerRunner(ReceiverSource source, IServiceScopeFactory scopes, ReceiverMetrics metrics)
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

        metrics.Handled(source.Name, source.Handlers.Tag(envelope.Type), source.Time.GetElapsedTime(began), failure is null);
        if (failure is not null) activity?.SetStatus(ActivityStatusCode.Error, failure.GetType().Name);
        return failure;
    }

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
