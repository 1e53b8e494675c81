using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Feed;

/// <summary>Writes answers of the feed: JSON, signed with every live secret once the caller is known.</summary>
internal sealed class FeedAnswer(HttpContext http, DatabaseClock clock)
{
    private readonly string _requestId = "req_" + Guid.CreateVersion7().ToString("N");

    /// <summary>What signs the answer: set once the request is verified.</summary>
    public FeedCaller? Caller { get; set; }

    public Task OkAsync(Action<Utf8JsonWriter> write) => WriteAsync(StatusCodes.Status200OK, write);

    public Task ErrorAsync(int status, string code, string message, TimeSpan? retryAfter = null, StreamStatus? stream = null, string? field = null)
    {
        if (retryAfter is { } wait)
            http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return WriteAsync(status, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("code", code);
            json.WriteString("message", message);
            json.WriteStartObject("details");
            if (field is not null)
            {
                json.WriteStartArray(field);
                json.WriteStringValue(message);
                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteString("request_id", _requestId);
            json.WriteEndObject();
            if (stream is not null)
            {
                json.WriteNumber("floor", stream.Floor);
                json.WriteNumber("head", stream.Head);
                json.WriteNumber("epoch", stream.Epoch);
                json.WriteNumber("epoch_start", stream.EpochStart);
            }

            json.WriteEndObject();
        });
    }

    private async Task WriteAsync(int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(body)) write(json);
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.WrittenCount;
        response.Headers["X-Request-Id"] = _requestId;
        response.Headers.CacheControl = "no-store";
        if (Caller is { } caller)
        {
            var id = "ans_" + Guid.CreateVersion7().ToString("N");
            var timestamp = clock.Now.ToUnixTimeSeconds();
            response.Headers[WebhookHeaders.Id] = id;
            response.Headers[WebhookHeaders.Timestamp] = timestamp.ToString(CultureInfo.InvariantCulture);
            response.Headers[WebhookHeaders.Signature] =
                WebhookSigner.Sign(id, timestamp, body.WrittenSpan, caller.Secrets, SignedContent.AnswerPrefix(caller.RequestId));
        }

        await response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
    }
}

/// <summary>A receiver that proved to hold one of its endpoint's secrets, or a key that sees it.</summary>
/// <param name="RequestId">The <c>webhook-id</c> of its request, which the answer's signature covers.</param>
/// <param name="Secrets">The live secrets, newest first.</param>
internal sealed record FeedCaller(string RequestId, WebhookSecret[] Secrets);
