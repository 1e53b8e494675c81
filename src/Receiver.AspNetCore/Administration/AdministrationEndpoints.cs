using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Webhooks.Receiver;

/// <summary>Answers the administration's requests. What they may is decided before, by the application's authorization.</summary>
internal sealed class AdministrationEndpoints(IWebhookReceiverStatus status, IWebhookReceiverAdministration administration)
{
    private const int MaxRequestBytes = 4096;

    private static readonly AdministrationJson Json = AdministrationJson.Default;

    public Task SourcesAsync(HttpContext context) => WriteAsync(context, 200, new SourcesDocument(status.Sources), Json.SourcesDocument);

    public Task StatusAsync(HttpContext context) => OfSourceAsync(context, async source =>
        await WriteAsync(context, 200, await status.GetAsync(source, context.RequestAborted).ConfigureAwait(false), Json.WebhookSourceStatus).ConfigureAwait(false));

    public Task HeldAsync(HttpContext context) => ListAsync(context, administration.ListHeldAsync);

    public Task ParkedAsync(HttpContext context) => ListAsync(context, administration.ListParkedAsync);

    public Task FindAsync(HttpContext context) => OfSourceAsync(context, async source =>
    {
        var found = await administration.FindAsync(source, EventId(context), context.RequestAborted).ConfigureAwait(false);
        if (found is null) await FailAsync(context, 404, "not_found", "There is no event of that id that waits or is parked.").ConfigureAwait(false);
        else await WriteAsync(context, 200, new HeldEventsDocument([Document(found, context.Request.Query["body"] == "true")], null), Json.HeldEventsDocument).ConfigureAwait(false);
    });

    public Task RetryAsync(HttpContext context) => ActOnAsync(context, administration.RetryAsync);

    public Task SkipAsync(HttpContext context) => ActOnAsync(context, administration.SkipAsync);

    public Task DiscardAsync(HttpContext context) => ActOnAsync(context, administration.DiscardAsync);

    public Task UnblockAsync(HttpContext context) => TellAsync(context, status.UnblockAsync);

    public Task ProbeAsync(HttpContext context) => TellAsync(context, status.ProbeAsync);

    public Task AcknowledgeAsync(HttpContext context) => TellAsync(context, status.AcknowledgeEmptyInboxAsync);

    public Task RewindAsync(HttpContext context) => ChangeAsync(context, async source =>
    {
        if (await ReadAfterAsync(context).ConfigureAwait(false) is not { } after)
            await FailAsync(context, 400, "malformed", "The body is {\"after\":number}, and at most 4 KiB.").ConfigureAwait(false);
        else await AnswerAsync(context, await administration.RewindAsync(source, after, context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);
    });

    private Task ListAsync(HttpContext context, Func<string, string?, int, CancellationToken, Task<HeldEventPage>> list) => OfSourceAsync(context, async source =>
    {
        var (after, given) = ((string?)context.Request.Query["after"], (string?)context.Request.Query["limit"]);
        var limit = 50;
        if (given is not null && (!int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > 250))
        {
            await FailAsync(context, 400, "malformed", "limit is a number from 1 to 250.").ConfigureAwait(false);
            return;
        }

        HeldEventPage page;
        try
        {
            page = await list(source, after, limit, context.RequestAborted).ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            await FailAsync(context, 400, "malformed", "after is what the page before gave as its next.").ConfigureAwait(false);
            return;
        }

        var document = new HeldEventsDocument([.. page.Events.Select(one => Document(one, withBody: false))], page.Next);
        await WriteAsync(context, 200, document, Json.HeldEventsDocument).ConfigureAwait(false);
    });

    private Task ActOnAsync(HttpContext context, Func<string, string, CancellationToken, Task<AdministrationResult>> act) => ChangeAsync(context, async source =>
        // Not tied to the request: a client that hangs up is not to take back a handler's work half-way.
        await AnswerAsync(context, await act(source, EventId(context), CancellationToken.None).ConfigureAwait(false)).ConfigureAwait(false));

    private Task TellAsync(HttpContext context, Func<string, CancellationToken, Task> tell) => ChangeAsync(context, async source =>
    {
        await tell(source, context.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(context, AdministrationResult.Done).ConfigureAwait(false);
    });

    /// <summary>A page of another site can make a signed-in browser post a form, but not JSON: that the media type is asked for keeps it out.</summary>
    private Task ChangeAsync(HttpContext context, Func<string, Task> change) => context.Request.HasJsonContentType()
        ? OfSourceAsync(context, change)
        : FailAsync(context, 415, "unsupported_media_type", "The Content-Type of a change is application/json, also without a body.");

    private async Task OfSourceAsync(HttpContext context, Func<string, Task> act)
    {
        var source = Value(context, "source");
        if (!status.Sources.Contains(source))
        {
            await FailAsync(context, 404, "not_found", "There is no such webhook source.").ConfigureAwait(false);
            return;
        }

        try
        {
            await act(source).ConfigureAwait(false);
        }
        catch (InboxUnavailableException e) when (!context.Response.HasStarted)
        {
            await FailAsync(context, 503, "inbox_unavailable", e.Message).ConfigureAwait(false);
        }
    }

    private static Task AnswerAsync(HttpContext context, AdministrationResult result) => result.Outcome switch
    {
        AdministrationOutcome.Done => WriteAsync(context, 200, new DoneDocument("done"), Json.DoneDocument),
        AdministrationOutcome.NotFound => FailAsync(context, 404, "not_found", result.Detail!),
        AdministrationOutcome.HandlerFailed => FailAsync(context, 422, "handler_failed", result.Detail!),
        AdministrationOutcome.NotPossible => FailAsync(context, 422, "not_possible", result.Detail!),
        _ => FailAsync(context, 409, "overtaken", result.Detail!),
    };

    private static HeldEventDocument Document(HeldEvent one, bool withBody) => new(
        one.Id, one.Type, one.Seq == 0 ? null : one.Epoch, one.Seq == 0 ? null : one.Seq, one.State, one.Reason, one.Attempts, one.Detail, one.At, one.RetryAt,
        withBody && one.Body is { } body ? Encoding.UTF8.GetString(body.Span) : null);

    private static async Task<long?> ReadAfterAsync(HttpContext context)
    {
        var body = new byte[MaxRequestBytes + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted).ConfigureAwait(false);
        if (length > MaxRequestBytes) return null;
        try
        {
            return JsonSerializer.Deserialize(body.AsSpan(0, length), Json.RewindDocument)?.After;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A server decodes all of a path but the slash, which a foreign sender's id may have.</summary>
    private static string EventId(HttpContext context) => Value(context, "id").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    private static string Value(HttpContext context, string name) => context.GetRouteValue(name) as string ?? "";

    private static Task FailAsync(HttpContext context, int status, string code, string message) =>
        WriteAsync(context, status, new ErrorDocument(new ErrorBody(code, message)), Json.ErrorDocument);

    private static Task WriteAsync<T>(HttpContext context, int status, T document, JsonTypeInfo<T> json)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(document, json, cancellationToken: context.RequestAborted);
    }
}
