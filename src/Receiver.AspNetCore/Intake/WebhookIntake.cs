using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>Takes requests in, each with one event or a batch: verifies, stores, answers. Whatever follows from an event happens later.</summary>
internal sealed partial class WebhookIntake(ReceiverMetrics metrics, ILogger<WebhookIntake> logger)
{
    private const string RetryAfterSeconds = "5";

    public async Task AnswerAsync(HttpContext context, ReceiverSource? source)
    {
        if (source is null) LogUnknown(IntakeOutcome.UnknownSource.StatusCode, IntakeOutcome.UnknownSource.Word);
        var outcome = source is null ? IntakeOutcome.UnknownSource : await TakeAsync(context, source).ConfigureAwait(false);
        metrics.Requested(source?.Name ?? "unknown", outcome.Word);
        // A scheme's own answer is on its way already.
        if (outcome == IntakeOutcome.Answered) return;
        context.Response.StatusCode = outcome.StatusCode;
        if (outcome.StatusCode == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = RetryAfterSeconds;
    }

    private async ValueTask<IntakeOutcome> TakeAsync(HttpContext context, ReceiverSource source)
    {
        var current = source.Settings.Current;
        var (options, scheme) = (current.Options, source.Scheme);
        if (RequestHead.Judge(context.Request, scheme, out var head) is { } unfit) return Refuse(unfit);
        // Whether a request is a bad one cannot be told now, and it is our own trouble: it is to be sent again.
        if (current.Secrets.Count == 0)
        {
            if (source.Provided is { } unread) await unread.AskEarlyAsync().ConfigureAwait(false);
            current = source.Settings.Current;
            if (current.Secrets.Count == 0) return Refuse(IntakeOutcome.NoSecrets);
        }

        using var body = new ReceivedBody(source.Bodies, options.MaxBufferedBytes);
        var read = await BodyReader.ReadAsync(context, body, options.MaxBodyBytes, options.BodyTimeout, source.Time).ConfigureAwait(false);
        if (read != BodyStatus.Complete) return Refuse(IntakeOutcome.Of(read));

        var now = source.Time.GetUtcNow();
        var live = current.Secrets.At(now);
        var request = new WebhookRequest(context.Request.Headers, head, body.Memory, now);
        var verified = scheme.Verify(request, live.Secrets, options.TimestampTolerance);
        // The sender may have rotated since the provider was asked; and somebody else may have asked it since this request began.
        if (verified.Status is VerificationStatus.NoMatchingSignature or VerificationStatus.UnknownVersion or VerificationStatus.NoSecret && source.Provided is { } provided)
        {
            await provided.AskEarlyAsync().ConfigureAwait(false);
            if (source.Settings.Secrets is var latest && latest != current.Secrets)
            {
                live = latest.At(now);
                verified = scheme.Verify(request, live.Secrets, options.TimestampTolerance);
            }
        }

        if (!verified.IsValid)
        {
            var refused = IntakeOutcome.Of(verified.Status);
            if (logger.IsEnabled(LogLevel.Warning))
                LogUnverified(source.Name, refused.StatusCode, refused.Word, body.Length, FingerprintOf(body.Memory.Span), live.Fingerprints);
            return refused;
        }

        metrics.Matched(source.Name, live.Names[verified.SecretIndex]);
        // What is stored outlives the request, and has to be memory of its own.
        var reading = scheme.Read(request.With(body.Memory.ToArray()));
        if (reading.Error is { } error)
        {
            LogMalformed(source.Name, IntakeOutcome.MalformedEnvelope.StatusCode, IntakeOutcome.MalformedEnvelope.Word, error, body.Length, live.Fingerprints);
            return IntakeOutcome.MalformedEnvelope;
        }

        if (reading.Reply is not { } reply) return await StoreAsync(source, options, reading.Events).ConfigureAwait(false);
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(reply, context.RequestAborted).ConfigureAwait(false);
        return IntakeOutcome.Answered;

        IntakeOutcome Refuse(IntakeOutcome outcome)
        {
            var (status, word, length, fingerprints) = (outcome.StatusCode, outcome.Word, context.Request.ContentLength, Fingerprints(source));
            if (outcome == IntakeOutcome.BodyConsumed) LogConsumed(source.Name, status, word, length, fingerprints);
            else if (outcome == IntakeOutcome.EmptyBody) LogEmpty(source.Name, status, word, length, fingerprints);
            else LogRefused(source.Name, status, word, length, fingerprints);
            return outcome;
        }
    }

    /// <summary>Stores all or none, whether or not the sender still listens: what is being committed must not be given up half-way.</summary>
    private async ValueTask<IntakeOutcome> StoreAsync(ReceiverSource source, WebhookReceiverOptions options, IReadOnlyList<InboxEvent> events)
    {
        // A source has one endpoint, and a batch is of one: each of its events would be answered alike.
        IReadOnlyList<StoreOutcome> outcomes = [StoreOutcome.OtherEndpoint];
        try
        {
            if (events[0].Seq == 0 || options.Endpoint is not { } own || own == events[0].Endpoint)
                outcomes = await CommitAsync(source, options, events).ConfigureAwait(false);
        }
        // Whatever the store throws, the events are not known to be stored, and are to be sent again.
        catch (Exception e)
        {
            LogUnavailable(e, source.Name, IntakeOutcome.Unavailable.StatusCode, IntakeOutcome.Unavailable.Word, Fingerprints(source));
            source.InboxDown = true;
            return IntakeOutcome.Unavailable;
        }

        source.InboxIsBack();
        var outcome = IntakeOutcome.Of(StoreDecision.Whole(outcomes));
        var (status, word) = outcome;
        if (outcome == IntakeOutcome.OtherEndpoint)
        {
            source.RefusedEndpoint = events[0].Endpoint;
            LogOtherEndpoint(source.Name, status, word, events[0].Endpoint!, Fingerprints(source));
        }
        else if (outcome == IntakeOutcome.Conflict)
        {
            var one = events.Zip(outcomes).First(pair => pair.Second == StoreOutcome.Conflict).First;
            LogConflict(source.Name, status, word, one.Epoch, one.Seq, one.Id, Fingerprints(source));
        }
        else if (outcome == IntakeOutcome.Full) LogFull(source.Name, status, word, options.InboxLimit, Fingerprints(source));
        else Taken(source, outcomes);
        return outcome;
    }

    private static async ValueTask<IReadOnlyList<StoreOutcome>> CommitAsync(ReceiverSource source, WebhookReceiverOptions options, IReadOnlyList<InboxEvent> events)
    {
        // An inbox that hangs still holds what it was given: it is given no more than may be in memory.
        if (source.Bodies.Left > options.MaxBufferedBytes) throw new InboxUnavailableException($"The inbox does not answer, and {source.Bodies.Left} bytes wait for it.");
        var storing = source.Inbox.StoreAsync(source.Name, events, new StoreRules(options.InboxLimit, AsOne: true), CancellationToken.None);
        if (storing.IsCompletedSuccessfully) return storing.Result;
        try
        {
            return await storing.WaitAsync(options.InsertTimeout, source.Time).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!storing.IsCompleted)
        {
            source.Bodies.Leave(storing, events.Sum(one => (long)one.Body.Length));
            throw;
        }
    }

    private static string Fingerprints(ReceiverSource source) => source.Settings.Secrets.At(source.Time.GetUtcNow()).Fingerprints;

    private void Taken(ReceiverSource source, IReadOnlyList<StoreOutcome> outcomes)
    {
        source.Delivered();
        var stored = outcomes.Count(one => one == StoreOutcome.Stored);
        metrics.Delivered(source.Name, stored, duplicates: outcomes.Count - stored);
        if (stored == 0) return;
        source.Stored.Set();
        source.Missing.Set();
    }
}
