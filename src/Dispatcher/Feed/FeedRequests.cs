using System.Globalization;
using System.Text.Json;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Feed;

/// <summary>The HTTP read of a stream, and a receiver's wish for delivery (design 4.2).</summary>
internal sealed class FeedRequests(
    WebhookDatabase database, StreamControl control, ReceiverAuthentication authentication, DatabaseClock clock, FeedReader pages) : IDisposable
{
    // Per endpoint and process: a receiver that pages as fast as it can is held to ten pages a second.
    private readonly PartitionedRateLimiter<WebhookEndpointId> _rate = PartitionedRateLimiter.Create<WebhookEndpointId, WebhookEndpointId>(endpoint =>
        RateLimitPartition.GetTokenBucketLimiter(endpoint, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = 10,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
            QueueLimit = 0,
        }));

    public async Task ReadAsync(HttpContext http)
    {
        var answer = new FeedAnswer(http, clock);
        var cancel = http.RequestAborted;
        if (!TryQuery(http, "after", 0, 0, long.MaxValue, out var after))
        {
            await answer.ErrorAsync(StatusCodes.Status400BadRequest, "malformed_request", "after must be a whole number, 0 or more.", field: "after");
            return;
        }

        if (!TryQuery(http, "limit", FeedReader.DefaultLimit, 1, FeedReader.MaxLimit, out var limit))
        {
            await answer.ErrorAsync(StatusCodes.Status400BadRequest, "malformed_request", $"limit must be a whole number from 1 to {FeedReader.MaxLimit}.", field: "limit");
            return;
        }

        if (await AuthenticateAsync(http, answer, (id, _) => SignedContent.FeedRequest(id.Value, after, (int)limit), needsResume: false) is not { } row) return;
        var page = await pages.ReadAsync(row, after, (int)limit, byReceiver: true, cancel);
        await (page.Items is { } items ? answer.OkAsync(json => FeedPage.Write(json, page.Stream, items)) : ExpiredAsync(answer, page.Stream));
    }

    public async Task ResumeAsync(HttpContext http)
    {
        var answer = new FeedAnswer(http, clock);
        if (await ReadAfterAsync(http.Request, http.RequestAborted) is not { } after)
        {
            await answer.ErrorAsync(
                StatusCodes.Status400BadRequest, "malformed_request", "The body must be {\"after\":n}, n a whole number, 0 or more.", field: "after");
            return;
        }

        var row = await AuthenticateAsync(http, answer, (id, stream) => SignedContent.ResumeRequest(id.Value, stream.Epoch, after), needsResume: true);
        if (row is null) return;

        // Not tied to the caller's patience: what it asked for either happens or does not.
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
        await using (var take = database.Command(connection, "Feed/take_resume_request", row.Endpoint, answer.Caller!.RequestId))
        {
            if (await take.ExecuteScalarAsync(CancellationToken.None) is null)
            {
                await answer.ErrorAsync(StatusCodes.Status409Conflict, "duplicate", "This request was taken before; sign a new one with a new id.");
                return;
            }
        }

        var resume = await control.ResumeForReceiverAsync(connection, row.Status.Endpoint, after, CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        if (resume!.Refusal == ResumeRefusal.None) await control.AfterResumeAsync(resume.Row, resume.Settled, CancellationToken.None);
        await AnswerAsync(answer, resume, after);
    }

    public void Dispose() => _rate.Dispose();

    private static Task AnswerAsync(FeedAnswer answer, ReceiverResume resume, long after)
    {
        var stream = resume.Row.Status;
        return resume.Refusal switch
        {
            ResumeRefusal.NotPaused => answer.ErrorAsync(StatusCodes.Status409Conflict, "not_paused", "Delivery is not paused.", stream: stream),
            ResumeRefusal.PausedByOperator => answer.ErrorAsync(
                StatusCodes.Status409Conflict, "paused_by_operator", "An operator paused delivery, and only an operator resumes it.", stream: stream),
            ResumeRefusal.AfterAboveHead => answer.ErrorAsync(
                StatusCodes.Status422UnprocessableEntity, "validation_failed", $"after is {after}, above the head, {stream.Head}.", stream: stream, field: "after"),
            ResumeRefusal.AfterBelowFloor => ExpiredAsync(answer, stream),
            ResumeRefusal.TooSoon => answer.ErrorAsync(
                StatusCodes.Status429TooManyRequests, "too_soon", "Delivery was resumed and failed again; ask later.",
                resume.Row.ReceiverResumeFrom - resume.Row.Now, stream),
            _ => answer.OkAsync(json =>
            {
                json.WriteStartObject();
                json.WriteString("status", "active");
                json.WriteNumber("cursor", resume.Cursor);
                json.WriteEndObject();
            }),
        };
    }

    private static Task ExpiredAsync(FeedAnswer answer, StreamStatus stream) =>
        answer.ErrorAsync(StatusCodes.Status410Gone, "range_expired", $"What lies below {stream.Floor} is no longer kept.", stream: stream);

    /// <summary>The stream, once the caller is known and may ask; otherwise the refusal has been written.</summary>
    private async Task<StreamRow?> AuthenticateAsync(
        HttpContext http, FeedAnswer answer, Func<WebhookEndpointId, StreamStatus, byte[]> content, bool needsResume)
    {
        StreamRow? row = null;
        if (WebhookEndpointId.TryParse(http.Request.RouteValues["endpoint"] as string, out var id))
        {
            await using var command = database.Command("Delivery/read_stream", id.Value);
            row = await StreamRow.ReadAsync(command, id, http.RequestAborted);
        }

        try
        {
            var scope = needsResume ? WebhookApiScopes.EndpointsWrite : WebhookApiScopes.EventsRead;
            if (row is not null) answer.Caller = await authentication.VerifyAsync(http, id, content(id, row.Status), scope, http.RequestAborted);
        }
        catch (ApiException refused)
        {
            await answer.ErrorAsync(refused.Problem.Status, refused.Problem.Code, refused.Message, refused.RetryAfter);
            return null;
        }

        if (row is null || answer.Caller is null)
        {
            // Whether an endpoint exists is not told to those who hold none of its secrets and no key that sees it.
            await answer.ErrorAsync(
                StatusCodes.Status401Unauthorized, "unauthenticated", "There is no such endpoint, or neither a live secret of it signed this request nor does its key see it.");
            return null;
        }

        using var permit = _rate.AttemptAcquire(id);
        if (!permit.IsAcquired)
        {
            await answer.ErrorAsync(StatusCodes.Status429TooManyRequests, "rate_limited", "At most 10 requests a second.", TimeSpan.FromSeconds(1));
            return null;
        }

        if (row.Status.Status == EndpointStatus.Deleted)
        {
            await answer.ErrorAsync(StatusCodes.Status410Gone, "endpoint_deleted", "The endpoint was deleted.", stream: row.Status);
            return null;
        }

        if (row.Access == ReceiverAccess.None || (needsResume && row.Access != ReceiverAccess.FeedAndResume))
        {
            await answer.ErrorAsync(
                StatusCodes.Status403Forbidden, "forbidden", needsResume ? "This endpoint's receiver may not resume delivery." : "This endpoint's receiver may not read the feed.");
            return null;
        }

        return row;
    }

    private static bool TryQuery(HttpContext http, string name, long absent, long low, long high, out long value)
    {
        var given = http.Request.Query[name];
        value = absent;
        return given.Count == 0
            || (given.Count == 1 && long.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= low && value <= high);
    }

    private static async Task<long?> ReadAfterAsync(HttpRequest request, CancellationToken cancel)
    {
        var buffer = new byte[1024];
        var length = 0;
        for (int read; (read = await request.Body.ReadAsync(buffer.AsMemory(length), cancel)) > 0;)
            if ((length += read) == buffer.Length) return null;
        try
        {
            using var body = JsonDocument.Parse(buffer.AsMemory(0, length));
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("after", out var after)
                && after.ValueKind == JsonValueKind.Number && after.TryGetInt64(out var value) && value >= 0 ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
