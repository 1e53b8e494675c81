using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Retention;

namespace Webhooks.Dispatcher.Api;

/// <summary>What platforms publish for an application.</summary>
internal sealed class EventsApi(
    EventIntake intake, EventReader reader, ApplicationGate applications, WebhookEvents events, IOptions<WebhookDispatcherOptions> options) : IApiResource
{
    private const string Tag = "Events";
    private const string Events = "/applications/{application}/events";
    private const string Event = Events + "/{event}";

    // What stands around the data, and a little more: what is only slightly too large is told so by name.
    private const int Around = 64 * 1024;
    private const int MaxBatchBody = 16 * 1024 * 1024;

    private const string One =
        """
        {"type":"object","additionalProperties":false,"required":["type","data"],"properties":{
        "type":{"type":"string","minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$"},
        "data":{"description":"Any JSON, however deep. It is delivered byte for byte as it is written here."},
        "version":{"type":["integer","null"],"minimum":1,"maximum":100,"description":"The version of its type whose schema the data is held to. Default: the current one."},
        "dedupe_key":{"type":["string","null"],"minLength":1,"maxLength":256,"description":"A later event with the same key, within the dedupe window, goes to no stream."}}}
        """;

    private static readonly string Many =
        $$"""
        {"type":"object","additionalProperties":false,"required":["events"],"properties":{
        "events":{"type":"array","minItems":1,"maxItems":{{EventIntake.MaxEvents}},"items":{"description":"An event as it is published alone; each is judged by itself."} } } }
        """;

    private static readonly ApiParameter[] Filters =
    [
        .. ApiCursor.Parameters,
        new("type", """{"type":"string","minLength":1,"maxLength":256}""", "Only events of this type. With a filter a page may have fewer events than its limit, even none, and still a next one."),
        new("since", """{"type":"string","format":"date-time"}""", "Only events published then or later. What a publisher whose clock is more than a minute off has published may be missed."),
        new("until", """{"type":"string","format":"date-time"}""", "Only events published before then; as with since."),
    ];

    private int DataDepth => DataDepthOf(options.Value);

    private int MaxBody => MaxBodyOf(options.Value);

    /// <summary>How deep a request with data may be: no deeper than it is long; and as much for what stands around it.</summary>
    public static int DataDepthOf(WebhookDispatcherOptions options) => options.Publishing.MaxDataBytes + 4;

    /// <summary>How large a request with one event may be.</summary>
    public static int MaxBodyOf(WebhookDispatcherOptions options) => options.Publishing.MaxDataBytes + Around;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", Events, WebhookApiScopes.EventsWrite, "Publish an event", intake.PublishAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransactionWithKey, Success = 202, Answer = ApiJson.Default.AcceptedEvent, Body = One, MaxBody = MaxBody, DataDepth = DataDepth,
            Example = """{"type":"invoice.paid","data":{"invoice":"in_1","amount":100}}""",
            Problems = [ApiProblem.NotFound, ApiProblem.ApplicationSuspended, ApiProblem.ValidationFailed, ApiProblem.QuotaExceeded],
        },
        new("POST", Events + "/batch", WebhookApiScopes.EventsWrite, "Publish up to 1,000 events, each of which is judged by itself", intake.PublishManyAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 202, PartialSuccess = 207, Answer = ApiJson.Default.JudgedEvents, Body = Many, DataDepth = DataDepth,
            MaxBody = Math.Max(MaxBatchBody, MaxBody), Example = """{"events":[{"type":"invoice.paid","data":{"invoice":"in_1"}},{"type":"invoice.void","data":{"invoice":"in_2"}}]}""",
            Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        },
        new("GET", Events, WebhookApiScopes.EventsRead, "List events, newest first", ListAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListListedEvent, Query = Filters, Problems = [ApiProblem.NotFound],
        },
        new("GET", Event, WebhookApiScopes.EventsRead, "Read an event, and what became of it in each stream", ReadAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.EventAnswer, Problems = [ApiProblem.NotFound],
        },
        new("POST", Event + "/expunge", WebhookApiScopes.EventsWrite, "Take away an event's data for good; it keeps its place in every stream", ExpungeAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 204,
            Body = """{"type":"object","additionalProperties":false,"required":["reason"],"properties":{"reason":{"type":"string","minLength":1,"maxLength":500}}}""",
            Example = """{"reason":"asked for by the data subject"}""", Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        },
    ];

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit, filter) = (EventCursor.Of(call), ApiCursor.LimitOf(call), new EventFilter(call.Query("type"), call.QueryTime("since"), call.QueryTime("until")));
        if (filter.Type is not null && EventRules.TypeProblem(filter.Type) is { } problem) throw ApiException.Of(ApiProblem.MalformedRequest, "type", problem);
        if (!WebhookApplicationId.TryParse(call.Path("application"), out var application)) throw ApplicationGate.Missing();
        return ApiResult.Of(await reader.ListAsync(call.Caller, application, cursor, filter, limit, call.Cancel), ApiJson.Default.ApiListListedEvent);
    }

    private async Task<ApiResult> ReadAsync(ApiCall call) =>
        WebhookApplicationId.TryParse(call.Path("application"), out var application) && WebhookEventId.TryParse(call.Path("event"), out var id)
            ? ApiResult.Of(await reader.ReadAsync(call.Caller, application, id, call.Cancel), ApiJson.Default.EventAnswer)
            : throw EventReader.Missing();

    private async Task<ApiResult> ExpungeAsync(ApiCall call)
    {
        var application = await applications.FindAsync(call);
        var reason = call.Fields.Text("reason", required: true) ?? "";
        call.Fields.Done();
        if (!WebhookEventId.TryParse(call.Path("event"), out var id) || !await events.ExpungeAsync(call.Connection, application.Id, id, reason, call.Cancel))
            throw EventReader.Missing();
        call.Note("event.expunged", id.Value);
        call.AfterCommit(() => events.AfterExpungeAsync(application.Id, CancellationToken.None));
        return ApiResult.NoContent;
    }
}
