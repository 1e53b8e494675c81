using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Api;

/// <summary>An event for one endpoint alone, on its whole way.</summary>
internal sealed class EndpointTestApi(
    EndpointRecords records, WebhookEndpoints endpoints, ApplicationGate applications, ApiLimits limits, IOptions<WebhookDispatcherOptions> options) : IApiResource
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/endpoints/{endpoint}/test", WebhookApiScopes.EndpointsWrite,
            "Send one event to this endpoint alone, whatever its patterns: numbered, signed, in its turn; a paused endpoint holds it", TestAsync)
        {
            Tag = EndpointsApi.Tag, Writes = ApiWrites.InTransaction, Success = 202, Answer = ApiJson.Default.AcceptedTest, BodyIsOptional = true,
            Body = """
                {"type":"object","additionalProperties":false,"properties":{
                "type":{"type":["string","null"],"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$","default":"webhook.test"},
                "data":{"description":"Any JSON, delivered byte for byte as it is written here. Default: {\"test\":true}."}}}
                """,
            Example = """{"type":"invoice.paid","data":{"invoice":"in_0","amount":0}}""", MaxBody = EventsApi.MaxBodyOf(options.Value),
            DataDepth = EventsApi.DataDepthOf(options.Value),
            Problems = [ApiProblem.NotFound, ApiProblem.ApplicationSuspended, ApiProblem.ValidationFailed, ApiProblem.QuotaExceeded],
        },
    ];

    private async Task<ApiResult> TestAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        var application = await applications.OfEndpointAsync(call, seen.Application);
        var test = Read(call.Fields);
        try
        {
            EventRules.Check(test, options.Value.Publishing.MaxDataBytes);
        }
        catch (WebhookValidationException refused)
        {
            call.Fields.Include(refused);
        }

        call.Fields.Done();
        // An event like any other, but for who gets it.
        if (application.Suspended) throw new ApiException(ApiProblem.ApplicationSuspended, "The application is suspended and takes no events.");
        if (await limits.CountEventsAsync(application.Key, application.Quota, 1, call.Cancel) == 0) throw limits.QuotaExceeded(application.Quota!.Value);
        var id = call.After(await endpoints.TestAsync(call.Connection, seen.Id, test, call.Caller.Key, call.Cancel));
        call.Note("endpoint.tested", seen.Id.Value);
        return ApiResult.Of(
            new AcceptedTest(id.Value, "accepted", false, $"/applications/{application.Id}/events/{id}", $"/endpoints/{seen.Id}/attempts"), ApiJson.Default.AcceptedTest, 202);
    }

    private static TestEvent Read(ApiFields fields)
    {
        var test = new TestEvent();
        if (fields.Text("type") is { } type) test = test with { Type = type };
        return fields.Any("data") is { } data ? test with { Data = JsonMarshal.GetRawUtf8Value(data).ToArray() } : test;
    }
}

/// <summary>A test event that was taken.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Status">That it was accepted.</param>
/// <param name="Replayed">Whether this is the answer to an earlier request with the same Idempotency-Key.</param>
/// <param name="EventPath">Where below the prefix it can be read, with its number in the endpoint's stream and what became of it there; by a key that may read the application's
/// events.</param>
/// <param name="AttemptsPath">Where below the prefix the endpoint's failed attempts are listed; its own have its number.</param>
internal sealed record AcceptedTest(string Id, string Status, bool Replayed, string EventPath, string AttemptsPath);
