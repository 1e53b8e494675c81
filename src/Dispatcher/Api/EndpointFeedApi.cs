using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Feed;

namespace Webhooks.Dispatcher.Api;

/// <summary>
/// The feed and the wish for delivery, by an operator's key. On the same paths a receiver asks, and signs or has a key of its own (design 4.2).
/// </summary>
internal sealed class EndpointFeedApi(EndpointRecords records, StreamControl control, FeedReader feed, FeedRequests signed) : IApiResource
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/endpoints/{endpoint}/events", WebhookApiScopes.EventsRead, "Read the feed: the events of its stream after a seq, in order", ReadAsync)
        {
            Tag = EndpointsApi.Tag, Answer = ApiJson.Default.FeedPageAnswer, ByReceiver = signed.ReadAsync,
            Query =
            [
                new("after", """{"type":"integer","minimum":0,"default":0}""", "The events behind this seq."),
                new("limit", $$"""{"type":"integer","minimum":1,"maximum":{{FeedReader.MaxLimit}},"default":{{FeedReader.DefaultLimit}}}""",
                    "How many at most; a page ends at 4 MiB, too."),
            ],
            Problems = [ApiProblem.NotFound, ApiProblem.EndpointDeleted, ApiProblem.RangeExpired],
        },
        new("POST", "/endpoints/{endpoint}/resume", WebhookApiScopes.EndpointsWrite, "Go on sending: after the cursor, or after a seq, which sends again or skips", ResumeAsync)
        {
            Tag = EndpointsApi.Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.StreamAnswer, ByReceiver = signed.ResumeAsync, BodyIsOptional = true,
            Body = """{"type":"object","additionalProperties":false,"properties":{"after":{"type":["integer","null"],"minimum":0,"description":"Default: the cursor."}}}""",
            Example = """{"after":57}""", Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        },
    ];

    private async Task<ApiResult> ReadAsync(ApiCall call)
    {
        var after = call.QueryNumber("after", 0, long.MaxValue) ?? 0;
        var limit = (int)(call.QueryNumber("limit", 1, FeedReader.MaxLimit) ?? FeedReader.DefaultLimit);
        var seen = await records.SeeAnyAsync(call);
        if (seen.IsDeleted) throw new ApiException(ApiProblem.EndpointDeleted, "The endpoint was deleted.");
        var read = await feed.ReadAsync(await control.ReadAsync(seen.Id, call.Cancel), after, limit, byReceiver: false, call.Cancel);
        if (read.Items is not { } items) throw Expired(read.Stream);
        var body = new ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(body)) FeedPage.Write(json, read.Stream, items);
        return new ApiResult(200, body.WrittenSpan.ToArray());
    }

    private async Task<ApiResult> ResumeAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        var after = call.Fields.Number("after", 0, long.MaxValue);
        call.Fields.Done();
        call.After(await control.ResumeAsync(call.Connection, seen.Id, after, call.Cancel));
        call.Note("endpoint.resumed", seen.Id.Value, JsonSerializer.Serialize(new { after }));
        var stream = await control.ReadAsync(call.Connection, seen.Id, call.Cancel);
        return ApiResult.Of(StreamAnswer.Of(stream.Status), ApiJson.Default.StreamAnswer);
    }

    private static ApiException Expired(StreamStatus stream)
    {
        var message = $"What lies below {stream.Floor} is no longer kept.";
        return new ApiException(ApiProblem.RangeExpired, message, new Dictionary<string, string[]>
        {
            ["after"] = [message],
            ["floor"] = [stream.Floor.ToString(CultureInfo.InvariantCulture)],
            ["head"] = [stream.Head.ToString(CultureInfo.InvariantCulture)],
        });
    }
}
