using System.Text.Json;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>Who did what through the API.</summary>
internal sealed class AuditApi(WebhookDatabase database) : IApiResource
{
    private const int MaxWord = 300;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/audit", WebhookApiScopes.AuditRead, "List what was done through the API, newest first", ListAsync)
        {
            Tag = "Audit log", Answer = ApiJson.Default.ApiListAuditAnswer,
            Query =
            [
                .. ApiCursor.Parameters,
                new("action", $$"""{"type":"string","minLength":1,"maxLength":{{MaxWord}}}""", "Only what was done in this way, such as endpoint.paused."),
                new("target", $$"""{"type":"string","minLength":1,"maxLength":{{MaxWord}}}""", "Only what was done to this: an id."),
            ],
        },
    ];

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit, action, target) = (ApiCursor.Of(call), ApiCursor.LimitOf(call), Word(call, "action"), Word(call, "target"));
        if (call.Caller.Endpoint is { } endpoint)
        {
            // A key of one endpoint sees what was done to it, and nothing else of its application.
            var own = await OwnAsync(call.Caller.Application, endpoint, call.Cancel);
            if (target is not null && target != own) return ApiResult.Of(cursor.Page<AuditAnswer>([], limit), ApiJson.Default.ApiListAuditAnswer);
            target = own;
        }

        await using var command = database.Command(
            cursor.Back ? "Api/list_newer_audit" : "Api/list_audit", call.Caller.Organization, call.Caller.Application, cursor.Key, limit + 1, action, target);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new List<(long, AuditAnswer)>();
        while (await reader.ReadAsync(call.Cancel))
        {
            using var details = JsonDocument.Parse(reader.GetString(6));
            found.Add((reader.GetInt64(7), new AuditAnswer(
                reader.GetFieldValue<DateTimeOffset>(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetString(4),
                reader.GetString(5), details.RootElement.Clone())));
        }

        return ApiResult.Of(cursor.Page(found, limit), ApiJson.Default.ApiListAuditAnswer);
    }

    private static string? Word(ApiCall call, string name) => call.Query(name) switch
    {
        null => null,
        { Length: >= 1 and <= MaxWord } word => word,
        _ => throw ApiException.Of(ApiProblem.MalformedRequest, name, $"{name} must have 1 to {MaxWord} characters."),
    };

    private async Task<string> OwnAsync(long? application, long endpoint, CancellationToken cancel)
    {
        await using var command = database.Command("Api/Access/read_binding", application, endpoint);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return reader.GetString(1);
    }
}

/// <summary>A row of the audit log as it is answered.</summary>
/// <param name="At">When.</param>
/// <param name="Key">The id of the key that did it.</param>
/// <param name="Action">What was done, such as <c>endpoint.paused</c>.</param>
/// <param name="Target">To what: an id.</param>
/// <param name="Application">The application that it belongs to; null for the organization's own.</param>
/// <param name="RequestId">The request that did it; one row for each.</param>
/// <param name="Details">More of it; never a secret, a key or an event's data.</param>
internal sealed record AuditAnswer(DateTimeOffset At, string Key, string Action, string Target, string? Application, string RequestId, JsonElement Details);
