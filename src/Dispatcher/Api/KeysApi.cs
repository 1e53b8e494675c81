using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>Keys of this API. None makes, shows or revokes one that may see more than itself.</summary>
internal sealed class KeysApi(WebhookDatabase database, ApiKeyStore store, ApiKeys keys) : IApiResource
{
    private const string Tag = "API keys";

    private static readonly string Body =
        $$"""
        {"type":"object","additionalProperties":false,"required":["name","scopes"],"properties":{
        "name":{"type":"string","minLength":1,"maxLength":200},
        "scopes":{"type":"array","minItems":1,
        "items":{"type":"string","enum":["{{string.Join("\",\"", WebhookApiScopes.All)}}"]},"description":"What it may do: some of the scopes of the key that makes it."},
        "application":{"type":["string","null"],"description":"The one application that it may see; what the key that makes it is bound to, unless stated otherwise."},
        "endpoint":{"type":["string","null"],"description":"The one endpoint that it may see; only beside its application."},
        "expires_at":{"type":["string","null"],"format":"date-time","description":"When it ends; not after the key that makes it."},
        "requests_per_minute":{"type":["integer","null"],"minimum":1,"maximum":{{ApiKeyStore.MaxRequestsPerMinute}},
        "description":"Default 600; a key that is bound gives no more than it has."}
        } }
        """;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/keys", WebhookApiScopes.KeysAdmin, "Create a key; the answer is the only place where it is shown", CreateAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 201, Answer = ApiJson.Default.CreatedKeyAnswer, Body = Body,
            Example = """{"name":"Billing","scopes":["events:write"],"requests_per_minute":6000}""",
            Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        },
        new("GET", "/keys", WebhookApiScopes.KeysAdmin, "List keys, newest first, those that are revoked or expired too", ListAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListKeyAnswer, Query = ApiCursor.Parameters,
        },
        new("GET", "/keys/{key}", WebhookApiScopes.KeysAdmin, "Read a key", ReadAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.KeyAnswer, Problems = [ApiProblem.NotFound],
        },
        new("DELETE", "/keys/{key}", WebhookApiScopes.KeysAdmin, "Revoke a key, within a second wherever it is used; again does nothing more", RevokeAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 204, Problems = [ApiProblem.NotFound],
        },
    ];

    private async Task<ApiResult> CreateAsync(ApiCall call)
    {
        var settings = Read(call.Fields);
        var beyond = settings.Scopes.Except(call.Caller.Scopes).ToArray();
        if (beyond.Length > 0)
            throw ApiException.Of(ApiProblem.Forbidden, "scopes", $"A key gives no scope that it does not have: {string.Join(", ", beyond)}.");
        settings = Within(call.Caller, await BindingAsync(call), settings);
        var created = await store.CreateAsync(call.Connection, call.Caller.Organization, settings, call.Cancel);
        call.Note("key.created", created.Id, application: settings.Application?.Value);
        var it = await FindAsync(database.Command(
            call.Connection, "Api/read_key", call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint, created.Id), call.Cancel);
        var answer = new CreatedKeyAnswer(
            created.Key, it.Id, it.Name, it.Prefix, it.Scopes, it.Application, it.Endpoint, it.RequestsPerMinute, it.CreatedAt, it.ExpiresAt, it.RevokedAt, it.LastUsedAt);
        return ApiResult.Of(answer, ApiJson.Default.CreatedKeyAnswer, 201);
    }

    private static ApiKeySettings Read(ApiFields fields)
    {
        var name = fields.Text("name", required: true, least: 1, most: 200);
        if (name is not null && string.IsNullOrWhiteSpace(name)) fields.Wrong<string>("name", "Must not be blank.");
        var scopes = fields.Texts("scopes", required: true);
        if (scopes is { Length: 0 }) fields.Wrong<string>("scopes", "Must name at least one scope.");
        if (scopes?.Except(WebhookApiScopes.All).Any() == true) fields.Wrong<string>("scopes", $"Must be some of {string.Join(", ", WebhookApiScopes.All)}.");
        WebhookApplicationId? application = null;
        if (fields.Text("application") is { } applicationText)
        {
            if (WebhookApplicationId.TryParse(applicationText, out var id)) application = id;
            else fields.Wrong<string>("application", "Must be the id of an application.");
        }

        WebhookEndpointId? endpoint = null;
        if (fields.Text("endpoint") is { } endpointText)
        {
            if (WebhookEndpointId.TryParse(endpointText, out var id)) endpoint = id;
            else fields.Wrong<string>("endpoint", "Must be the id of an endpoint.");
        }

        var expiresAt = fields.Time("expires_at");
        var perMinute = fields.Int("requests_per_minute", 1, ApiKeyStore.MaxRequestsPerMinute);
        fields.Done();
        return new ApiKeySettings(name!) { Scopes = scopes!, Application = application, Endpoint = endpoint, ExpiresAt = expiresAt, RequestsPerMinute = perMinute };
    }

    /// <summary>What is asked for, no wider than the key that asks: what it does not say is as that key is.</summary>
    private static ApiKeySettings Within(ApiCaller caller, (WebhookApplicationId? Application, WebhookEndpointId? Endpoint) own, ApiKeySettings asked)
    {
        var settings = asked with
        {
            Application = asked.Application ?? own.Application, Endpoint = asked.Endpoint ?? own.Endpoint, ExpiresAt = asked.ExpiresAt ?? caller.ExpiresAt,
            RequestsPerMinute = asked.RequestsPerMinute
                ?? (own.Application is null ? null : Math.Min(caller.RequestsPerMinute, ApiKeys.DefaultRequestsPerMinute)),
        };
        // As if they were not there: this key may not know of them.
        if ((own.Application is { } application && settings.Application != application) || (own.Endpoint is { } endpoint && settings.Endpoint != endpoint))
            throw new WebhookNotFoundException(ApiKeyStore.NotThere);
        var problems = new Dictionary<string, string[]>();
        if (settings.ExpiresAt > caller.ExpiresAt) problems["expires_at"] = ["Must not be after the end of the key that makes it."];
        if (own.Application is not null && settings.RequestsPerMinute > caller.RequestsPerMinute)
            problems["requests_per_minute"] = ["Must not be more than those of the key that makes it, which is bound."];
        return problems.Count == 0 ? settings : throw new WebhookValidationException(problems);
    }

    private async Task<(WebhookApplicationId? Application, WebhookEndpointId? Endpoint)> BindingAsync(ApiCall call)
    {
        if (call.Caller.Application is not { } application) return default;
        await using var command = database.Command(call.Connection, "Api/Access/read_binding", application, call.Caller.Endpoint);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        await reader.ReadAsync(call.Cancel);
        return (WebhookApplicationId.Parse(reader.GetString(0)), reader.IsDBNull(1) ? null : WebhookEndpointId.Parse(reader.GetString(1)));
    }

    private async Task<ApiResult> ReadAsync(ApiCall call) => ApiResult.Of(
        await FindAsync(database.Command("Api/read_key", call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint, call.Path("key")), call.Cancel),
        ApiJson.Default.KeyAnswer);

    private async Task<ApiResult> RevokeAsync(ApiCall call)
    {
        await using var command = database.Command(
            call.Connection, "Api/revoke_key", call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint, call.Path("key"));
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        if (!await reader.ReadAsync(call.Cancel)) throw NoSuchKey();
        if (reader.GetBoolean(0)) call.Note("key.revoked", call.Path("key"), application: reader.IsDBNull(1) ? null : reader.GetString(1));
        call.AfterCommit(() =>
        {
            keys.Forget();
            return Task.CompletedTask;
        });
        return ApiResult.NoContent;
    }

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit) = (ApiCursor.Of(call), ApiCursor.LimitOf(call));
        await using var command = database.Command(
            cursor.Back ? "Api/list_newer_keys" : "Api/list_keys", call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint, cursor.Key, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new List<(long, KeyAnswer)>();
        while (await reader.ReadAsync(call.Cancel)) found.Add((reader.GetInt64(11), Read(reader)));
        return ApiResult.Of(cursor.Page(found, limit), ApiJson.Default.ApiListKeyAnswer);
    }

    private static async Task<KeyAnswer> FindAsync(NpgsqlCommand read, CancellationToken cancel)
    {
        await using var command = read;
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? Read(reader) : throw NoSuchKey();
    }

    private static ApiException NoSuchKey() => new(ApiProblem.NotFound, "There is no such key.");

    private static KeyAnswer Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<string[]>(3), row.IsDBNull(4) ? null : row.GetString(4),
        row.IsDBNull(5) ? null : row.GetString(5), row.IsDBNull(6) ? ApiKeys.DefaultRequestsPerMinute : row.GetInt32(6), row.GetFieldValue<DateTimeOffset>(7),
        Time(row, 8), Time(row, 9), Time(row, 10));

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}

/// <summary>A key as it is answered: never the key itself, nor its hash.</summary>
internal record KeyAnswer(
    string Id, string Name, string Prefix, IReadOnlyList<string> Scopes, string? Application, string? Endpoint, int RequestsPerMinute,
    DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt);

/// <summary>A new key, with the key itself.</summary>
internal sealed record CreatedKeyAnswer(
    string Key, string Id, string Name, string Prefix, IReadOnlyList<string> Scopes, string? Application, string? Endpoint, int RequestsPerMinute,
    DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt)
    : KeyAnswer(Id, Name, Prefix, Scopes, Application, Endpoint, RequestsPerMinute, CreatedAt, ExpiresAt, RevokedAt, LastUsedAt);
