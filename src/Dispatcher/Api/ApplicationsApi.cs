using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>Customers of the platform.</summary>
internal sealed class ApplicationsApi(WebhookDatabase database, ApplicationGate gate) : IApiResource
{
    private const long MaxQuota = 1_000_000_000_000;
    private const string Tag = "Applications";

    private const string Fields =
        """
        "name":{"type":"string","minLength":1,"maxLength":200},
        "suspended":{"type":"boolean","description":"A suspended application takes no events through the API; what it has is still delivered."},
        "daily_quota":{"type":["integer","null"],"minimum":1,"maximum":1000000000000,"description":"Events a day (UTC); null for no limit."}
        """;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/applications", WebhookApiScopes.ApplicationsWrite, "Create an application", CreateAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 201, Answer = ApiJson.Default.ApplicationAnswer,
            Body = $$"""{"type":"object","additionalProperties":false,"required":["name"],"properties":{ {{Fields}} } }""",
            Example = """{"name":"Acme"}""", Problems = [ApiProblem.ValidationFailed],
        },
        new("GET", "/applications", WebhookApiScopes.ApplicationsRead, "List applications, newest first", ListAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListApplicationAnswer, Query = ApiCursor.Parameters,
        },
        new("GET", "/applications/{application}", WebhookApiScopes.ApplicationsRead, "Read an application", ReadAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApplicationAnswer, Problems = [ApiProblem.NotFound],
        },
        new("PATCH", "/applications/{application}", WebhookApiScopes.ApplicationsWrite, "Change an application; what is left out stays", ChangeAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.ApplicationAnswer,
            Body = $$"""{"type":"object","additionalProperties":false,"properties":{ {{Fields}} } }""",
            Example = """{"suspended":true}""", Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        },
    ];

    private async Task<ApiResult> CreateAsync(ApiCall call)
    {
        // A key of one application makes no others.
        if (call.Caller.Application is not null) throw ApiException.Of(ApiProblem.Forbidden, "key", "A key that is bound to an application creates no others.");
        var fields = call.Fields;
        var name = fields.Text("name", required: true, least: 1, most: 200);
        var suspended = fields.Flag("suspended") ?? false;
        var quota = fields.Number("daily_quota", 1, MaxQuota);
        if (name is not null && string.IsNullOrWhiteSpace(name)) fields.Wrong<string>("name", "Must not be blank.");
        fields.Done();
        var id = WebhookApplicationId.New();
        call.Note("application.created", id.Value);
        await using var command = database.Command(
            call.Connection, "Api/create_application", id.Value, WebhookApplications.Bucket(id), name, call.Caller.Organization, suspended, quota);
        return await OneAsync(command, 201, call.Cancel);
    }

    private async Task<ApiResult> ReadAsync(ApiCall call)
    {
        await using var command = database.Command("Api/read_application", call.Path("application"), call.Caller.Organization, call.Caller.Application);
        return await OneAsync(command, 200, call.Cancel);
    }

    private async Task<ApiResult> ChangeAsync(ApiCall call)
    {
        var fields = call.Fields;
        var name = fields.Text("name", required: fields.Has("name"), least: 1, most: 200);
        if (name is not null && string.IsNullOrWhiteSpace(name)) fields.Wrong<string>("name", "Must not be blank.");
        var suspended = fields.Flag("suspended");
        var quota = fields.Number("daily_quota", 1, MaxQuota);
        fields.Done();
        call.Note("application.changed", call.Path("application"));
        call.AfterCommit(() =>
        {
            gate.Forget();
            return Task.CompletedTask;
        });
        await using var command = database.Command(
            call.Connection, "Api/change_application", call.Path("application"), call.Caller.Organization, call.Caller.Application,
            name, suspended, fields.Has("daily_quota"), quota);
        return await OneAsync(command, 200, call.Cancel);
    }

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit) = (ApiCursor.Of(call), ApiCursor.LimitOf(call));
        await using var command = database.Command(
            cursor.Back ? "Api/list_newer_applications" : "Api/list_applications", call.Caller.Organization, call.Caller.Application, cursor.Key, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new List<(long, ApplicationAnswer)>();
        while (await reader.ReadAsync(call.Cancel)) found.Add((reader.GetInt64(5), Read(reader)));
        return ApiResult.Of(cursor.Page(found, limit), ApiJson.Default.ApiListApplicationAnswer);
    }

    private static async Task<ApiResult> OneAsync(NpgsqlCommand command, int status, CancellationToken cancel)
    {
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel)
            ? ApiResult.Of(Read(reader), ApiJson.Default.ApplicationAnswer, status)
            : throw new ApiException(ApiProblem.NotFound, "There is no such application.");
    }

    private static ApplicationAnswer Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetBoolean(2), row.IsDBNull(3) ? null : row.GetInt64(3), row.GetFieldValue<DateTimeOffset>(4));
}

/// <summary>An application as it is answered.</summary>
internal sealed record ApplicationAnswer(string Id, string Name, bool Suspended, long? DailyQuota, DateTimeOffset CreatedAt);
