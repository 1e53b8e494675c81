using System.Text.Json;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Endpoints;

namespace Webhooks.Dispatcher.Api;

/// <summary>The URLs that applications are called at, and their settings.</summary>
internal sealed class EndpointsApi(WebhookDatabase database, EndpointRecords records, WebhookEndpoints endpoints) : IApiResource
{
    public const string Tag = "Endpoints";

    private static readonly ApiParameter Status =
        new("status", """{"enum":["active","paused"]}""", "Only those that are sent to, or only those that are not.");

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/applications/{application}/endpoints", WebhookApiScopes.EndpointsWrite, "Create an endpoint; the answer alone shows its secret", CreateAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 201, Answer = ApiJson.Default.CreatedEndpointAnswer,
            Body = $$"""{"type":"object","additionalProperties":false,"required":["url"],"properties":{ {{EndpointFields.Schema}}, {{EndpointFields.SchemaOfNew}} } }""",
            Example = """{"url":"https://example.com/hooks","event_types":["invoice.*"]}""",
            Problems = [ApiProblem.NotFound, ApiProblem.EndpointExists, ApiProblem.ValidationFailed],
        },
        new("GET", "/applications/{application}/endpoints", WebhookApiScopes.EndpointsRead, "List the endpoints of an application, newest first", ListAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListEndpointAnswer, Query = [.. ApiCursor.Parameters, Status], Problems = [ApiProblem.NotFound],
        },
        new("GET", "/endpoints/{endpoint}", WebhookApiScopes.EndpointsRead, "Read an endpoint", ReadAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.EndpointAnswer, Problems = [ApiProblem.NotFound],
        },
        new("PATCH", "/endpoints/{endpoint}", WebhookApiScopes.EndpointsWrite, "Change an endpoint; what is left out stays, null is what a new one has", ChangeAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.EndpointAnswer,
            Body = $$"""{"type":"object","additionalProperties":false,"properties":{ {{EndpointFields.Schema}} } }""",
            Example = """{"description":"billing","rate_limit":50}""",
            Problems = [ApiProblem.NotFound, ApiProblem.EndpointExists, ApiProblem.ValidationFailed],
        },
        new("DELETE", "/endpoints/{endpoint}", WebhookApiScopes.EndpointsWrite, "Delete an endpoint and its feed for ever", DeleteAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 204, Problems = [ApiProblem.NotFound],
        },
    ];

    private async Task<ApiResult> CreateAsync(ApiCall call)
    {
        // A key of one endpoint makes no others.
        if (call.Caller.Endpoint is not null) throw ApiException.Of(ApiProblem.Forbidden, "key", "A key that is bound to an endpoint creates no others.");
        var application = await records.SeeApplicationAsync(call);
        var settings = EndpointFields.ReadNew(call.Fields);
        Check(call.Fields, settings);
        await ClaimUrlAsync(call, application, settings.Url, null);
        var created = call.After(await endpoints.CreateAsync(call.Connection, WebhookApplicationId.Parse(call.Path("application")), settings, call.Cancel));
        call.Note("endpoint.created", created.Id.Value, JsonSerializer.Serialize(new { application = call.Path("application") }));
        var key = (await records.SeeNewAsync(call, created.Id)).Key;
        return ApiResult.Of(
            new CreatedEndpointAnswer(await records.ReadAsync(call, key), created.Secret.Reveal()), ApiJson.Default.CreatedEndpointAnswer, 201);
    }

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit, status) = (ApiCursor.Of(call), ApiCursor.LimitOf(call), call.Query("status"));
        if (status is not (null or "active" or "paused")) throw ApiException.Of(ApiProblem.MalformedRequest, "status", "status must be active or paused.");
        var application = await records.SeeApplicationAsync(call);
        var keys = new List<long>();
        await using (var command = database.Command(
            cursor.Back ? "Api/list_newer_endpoints" : "Api/list_endpoints", application, call.Caller.Endpoint, status, cursor.Key, limit + 1))
        await using (var reader = await command.ExecuteReaderAsync(call.Cancel))
            while (await reader.ReadAsync(call.Cancel)) keys.Add(reader.GetInt64(0));
        var found = await records.ReadAsync(call, keys);
        // One that was deleted between the two reads is left out.
        return ApiResult.Of(cursor.Page(keys.FindAll(found.ContainsKey).ConvertAll(key => (key, found[key])), limit), ApiJson.Default.ApiListEndpointAnswer);
    }

    private async Task<ApiResult> ReadAsync(ApiCall call) =>
        ApiResult.Of(await records.ReadAsync(call, (await records.SeeAsync(call)).Key), ApiJson.Default.EndpointAnswer);

    private async Task<ApiResult> ChangeAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        // The application first, as by creating, then the endpoint: what is left out stays what another change may just have made of it.
        if (call.Fields.Has("url")) await LockApplicationAsync(call, seen.Application);
        await endpoints.LockAsync(call.Connection, seen.Id, call.Cancel);
        var before = EndpointFields.Of(await records.ReadAsync(call, seen.Key));
        var settings = EndpointFields.Read(call.Fields, before);
        Check(call.Fields, settings);
        if (settings.Url != before.Url) await ClaimUrlAsync(call, seen.Application, settings.Url, seen.Key);
        call.After(await endpoints.UpdateAsync(call.Connection, seen.Id, settings, call.Cancel));
        // Only which: a URL may hold a customer's token.
        call.Note("endpoint.changed", seen.Id.Value, JsonSerializer.Serialize(new { fields = call.Root.EnumerateObject().Select(member => member.Name) }));
        return ApiResult.Of(await records.ReadAsync(call, seen.Key), ApiJson.Default.EndpointAnswer);
    }

    private async Task<ApiResult> DeleteAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        call.After(await endpoints.DeleteAsync(call.Connection, seen.Id, call.Cancel));
        call.Note("endpoint.deleted", seen.Id.Value);
        return ApiResult.NoContent;
    }

    /// <summary>Everything that is wrong is named at once: what the fields are, and what the library's own rules say of them.</summary>
    private void Check(ApiFields fields, EndpointSettings settings)
    {
        try
        {
            endpoints.Check(settings);
        }
        catch (WebhookValidationException refused)
        {
            fields.Include(refused);
        }

        fields.Done();
    }

    private async Task LockApplicationAsync(ApiCall call, long application)
    {
        await using var command = database.Command(call.Connection, "Api/lock_application", application);
        await command.ExecuteNonQueryAsync(call.Cancel);
    }

    /// <summary>Until the call has ended, no other one gives an endpoint of the application a URL.</summary>
    /// <exception cref="ApiException">One has it.</exception>
    private async Task ClaimUrlAsync(ApiCall call, long application, string url, long? endpoint)
    {
        await LockApplicationAsync(call, application);
        await using var command = database.Command(call.Connection, "Api/find_endpoint_by_url", application, url, endpoint);
        if (await command.ExecuteScalarAsync(call.Cancel) is not string other) return;
        const string message = "The application has an endpoint with this URL already.";
        // A key of one endpoint is not told of another.
        throw call.Caller.Endpoint is null
            ? new ApiException(ApiProblem.EndpointExists, message, new Dictionary<string, string[]> { ["url"] = [message], ["endpoint"] = [other] })
            : ApiException.Of(ApiProblem.EndpointExists, "url", message);
    }
}
