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
        var outcome = source is null ? IntakeOutcome.UnknownSource : await TakeAsync(context, source).ConfigureAwait(false);
        metrics.Requested(source?.Name ?? "unknown", outcome.Word);
        // A scheme's own answer is on its way already.
        if (outcome == IntakeOutcome.Answered) return;
        context.Response.StatusCode = outcome.StatusCode;
        if (outcome.StatusCode == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = RetryAfterSeconds;
    }

    private async Task<IntakeOutcome> TakeAsync(HttpContext context, ReceiverSource source)
    {
        var current = source.Settings.Current;
        var (options, scheme) = (current.Options, source.Scheme);
        if (RequestHead.Judge(context.Request, scheme, out var mediaType) is { } unfit) return Refuse(unfit);
        // Whether a request is a bad one cannot be told now, and it is our own trouble: it is to be sent again.
        if (current.Secrets.Count == 0)
        {
            if (source.Provided is null || !await source.Provided.AskEarlyAsync().ConfigureAwait(false)) return Refuse(IntakeOutcome.NoSecrets);
            current = source.Settings.Current;
            if (current.Secrets.Count == 0) return Refuse(IntakeOutcome.NoSecrets);
        }

        using var body = new ReceivedBody(source.Bodies, options.MaxBufferedBytes);
        var read = await BodyReader.ReadAsync(context, body, options.MaxBodyBytes, options.BodyTimeout, source.Time).ConfigureAwait(false);
        if (read == BodyStatus.Consumed) LogConsumed(source.Name);
        if (read == BodyStatus.Empty) LogEmpty(source.Name);
        if (read != BodyStatus.Complete) return Refuse(IntakeOutcome.Of(read));

        var now = source.Time.GetUtcNow();
        var live = current.Secrets.At(now);
        var request = new WebhookRequest(context.Request.Headers, body.Memory, mediaType, now);
        var verified = scheme.Verify(request, live.Secrets, options.TimestampTolerance);
        // The sender may have rotated since the provider was asked.
        if (verified.Status is VerificationStatus.NoMatchingSignature or VerificationStatus.NoSecret && source.Provided is { } provided
            && await provided.AskEarlyAsync().ConfigureAwait(false))
        {
            live = source.Settings.Secrets.At(now);
            verified = scheme.Verify(request, live.Secrets, options.TimestampTolerance);
        }

        if (!verified.IsValid)
        {
            var refused = IntakeOutcome.Of(verified.Status);
            LogUnverified(source.Name, refused.StatusCode, refused.Word, body.Length, live.Fingerprints);
            return refused;
        }

        metrics.Matched(source.Name, live.Names[verified.SecretIndex]);
        // What is stored outlives the request, and has to be memory of its own.
        var reading = scheme.Read(request.With(body.Memory.ToArray()));
        if (reading.Error is { } error)
        {
            LogMalformed(source.Name, error, body.Length);
            return IntakeOutcome.MalformedEnvelope;
        }

        if (reading.Reply is not { } reply) return await StoreAsync(source, options, reading.Events).ConfigureAwait(false);
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(reply, context.RequestAborted).ConfigureAwait(false);
        return IntakeOutcome.Answered;

        IntakeOutcome Refuse(IntakeOutcome outcome)
        {
            LogRefused(source.Name, outcome.StatusCode, outcome.Word, context.Request.ContentLength);
            return outcome;
        }
    }

    /// <summary>Stores all or none, whether or not the sender still listens: what is being committed must not be given up half-way.</summary>
    private async Task<IntakeOutcome> StoreAsync(ReceiverSource source, WebhookReceiverOptions options, IReadOnlyList<InboxEvent> events)
    {
        // A source has one endpoint, and a batch is of one: each of its events would be answered alike.
        IReadOnlyList<StoreOutcome> outcomes = [StoreOutcome.OtherEndpoint];
        try
        {
            if (events[0].Seq == 0 || options.Endpoint is not { } own || own == events[0].Endpoint)
                outcomes = await source.Inbox.StoreAsync(source.Name, events, new StoreRules(options.InboxLimit, AsOne: true), CancellationToken.None)
                    .WaitAsync(options.InsertTimeout, source.Time).ConfigureAwait(false);
        }
        // Whatever the store throws, the events are not known to be stored, and are to be sent again.
        catch (Exception e)
        {
            LogUnavailable(e, source.Name);
            source.InboxDown = true;
            return IntakeOutcome.Unavailable;
        }

        source.InboxIsBack();
        var outcome = StoreDecision.Whole(outcomes);
        switch (outcome)
        {
            case StoreOutcome.Stored or StoreOutcome.Duplicate:
                Taken(source, outcomes);
                break;
            case StoreOutcome.OtherEndpoint:
                source.RefusedEndpoint = events[0].Endpoint;
                LogOtherEndpoint(source.Name, events[0].Endpoint!);
                break;
            case StoreOutcome.Conflict:
                var one = events.Zip(outcomes).First(pair => pair.Second == StoreOutcome.Conflict).First;
                LogConflict(source.Name, one.Epoch, one.Seq, one.Id);
                break;
            default:
                LogFull(source.Name, options.InboxLimit);
                break;
        }

        return IntakeOutcome.Of(outcome);
    }

    private void Taken(ReceiverSource source, IReadOnlyList<StoreOutcome> outcomes)
    {
        source.Delivered();
        var stored = outcomes.Count(one => one == StoreOutcome.Stored);
        metrics.Delivered(source.Name, stored, duplicates: outcomes.Count - stored);
        if (stored == 0) return;
        source.Stored.Set();
        source.Missing.Set();
    }

    [LoggerMessage(200, LogLevel.Warning, "A request to webhook source {Source} was answered {Status}: {Reason} (stated length {Length})")]
    private partial void LogRefused(string source, int status, string reason, long? length);

    [LoggerMessage(201, LogLevel.Warning,
        "A request to webhook source {Source} was answered {Status}: {Reason} (body of {Length} bytes; fingerprints of the live secrets: {Fingerprints})")]
    private partial void LogUnverified(string source, int status, string reason, int length, string fingerprints);

    [LoggerMessage(202, LogLevel.Warning, "A verified request to webhook source {Source} was answered 400: its envelope is not one, for {Reason} (body of {Length} bytes)")]
    private partial void LogMalformed(string source, string reason, int length);

    [LoggerMessage(203, LogLevel.Error,
        "The body of a request to webhook source {Source} was read before the receiver could: something in this application (a filter, a form reader, request logging) consumes it, so its signature cannot be verified")]
    private partial void LogConsumed(string source);

    [LoggerMessage(208, LogLevel.Warning,
        "A request to webhook source {Source} had no body. If its sender did send one, something in this application read it before the receiver could")]
    private partial void LogEmpty(string source);

    [LoggerMessage(204, LogLevel.Error, "The inbox of webhook source {Source} is unavailable; deliveries are answered 503 until it is back")]
    private partial void LogUnavailable(Exception exception, string source);

    [LoggerMessage(205, LogLevel.Error, "A verified request to webhook source {Source} names endpoint {Endpoint}, which is not the source's own; answered 400")]
    private partial void LogOtherEndpoint(string source, string endpoint);

    [LoggerMessage(206, LogLevel.Critical,
        "Webhook source {Source} was sent event {EventId} as number {Seq} of epoch {Epoch}, which another event has; the stream is blocked")]
    private partial void LogConflict(string source, int epoch, long seq, string eventId);

    [LoggerMessage(207, LogLevel.Error, "The inbox of webhook source {Source} holds its limit of {Limit} waiting events; deliveries are answered 503")]
    private partial void LogFull(string source, int limit);
}
