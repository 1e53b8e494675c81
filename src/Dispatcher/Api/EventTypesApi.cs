using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.EventTypes;

namespace Webhooks.Dispatcher.Api;

/// <summary>Event types of the organization. Every key with the scope reads them; one that is bound changes none.</summary>
internal sealed class EventTypesApi(WebhookDatabase database, EventTypeStore store) : IApiResource
{
    private const string Tag = "Event types";
    private const string Type = "/event-types/{event_type}";

    private const string Fields =
        """
        "description":{"type":"string","maxLength":2000},
        "schema":{"type":["object","boolean","null"],"description":"JSON Schema (2020-12) that data is held to when it is published; at most 64 KiB. A keyword that is not known here is refused. Null: any data."},
        "example":{"description":"Data as an example; it must fit the schema. Null: none."},
        "deprecated":{"type":"boolean","description":"It can be published all the same, and the answer says so."},
        "deprecation_note":{"type":["string","null"],"minLength":1,"maxLength":500,"description":"Why, and what to use instead; only beside deprecated."}
        """;

    private const string Name = """
        "name":{"type":"string","minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$"}
        """;

    private const string Shape = """
        "description":"An invoice was paid in full.",
        "schema":{"type":"object","required":["invoice","amount"],"properties":{"invoice":{"type":"string"},"amount":{"type":"integer","minimum":0}}},
        "example":{"invoice":"in_1","amount":100}
        """;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/event-types", WebhookApiScopes.EventTypesWrite, "Register an event type", CreateAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 201, Answer = ApiJson.Default.EventTypeAnswer,
            Body = $$"""{"type":"object","additionalProperties":false,"required":["name"],"properties":{ {{Name}},{{Fields}} } }""",
            Example = $$"""{"name":"invoice.paid",{{Shape}} }""", Problems = [ApiProblem.EventTypeExists, ApiProblem.ValidationFailed],
        },
        new("GET", "/event-types", WebhookApiScopes.EventTypesRead, "List event types, newest first, those that are archived too", ListAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListListedEventType, Query = ApiCursor.Parameters,
        },
        new("GET", Type, WebhookApiScopes.EventTypesRead, "Read an event type with all of its versions", ReadAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.EventTypeAnswer, Problems = [ApiProblem.NotFound],
        },
        new("PUT", Type, WebhookApiScopes.EventTypesWrite, "Register an event type, or make it what is given: another schema becomes a new version, which is the current one", PutAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.EventTypeAnswer,
            Body = $$"""{"type":"object","additionalProperties":false,"properties":{ {{Fields}} } }""", Example = "{" + Shape + "}", Problems = [ApiProblem.ValidationFailed],
        },
        new("PATCH", Type, WebhookApiScopes.EventTypesWrite, "Change an event type; what is left out stays", ChangeAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.EventTypeAnswer,
            Body = $$"""
                {"type":"object","additionalProperties":false,"properties":{ {{Fields}},
                "version":{"type":"integer","minimum":1,"maximum":100,"description":"Which of its versions is to be the current one; not beside a schema."},
                "archived":{"type":"boolean","description":"An archived type is as one that was never registered, but keeps its name and history."} } }
                """,
            Example = """{"deprecated":true,"deprecation_note":"Use invoice.settled."}""", Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        },
        new("DELETE", Type, WebhookApiScopes.EventTypesWrite, "Archive an event type; again does nothing more", ArchiveAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 204, Problems = [ApiProblem.NotFound],
        },
    ];

    private async Task<ApiResult> CreateAsync(ApiCall call)
    {
        RefuseBound(call);
        var name = call.Fields.Text("name", required: true) ?? "";
        var settings = Read(call.Fields, new EventTypeSettings(name));
        Check(call.Fields, settings);
        var generation = await store.LockAsync(call.Connection, call.Cancel);
        if (await store.ReadAsync(call.Connection, call.Caller.Organization, name, call.Cancel) is { } known)
            throw ApiException.Of(ApiProblem.EventTypeExists, "name", $"There is {(known.ArchivedAt is null ? "an" : "an archived")} event type {name} already.");
        return await WriteAsync(call, "event_type.created", generation, null, null, settings, isArchived: false, 201);
    }

    private async Task<ApiResult> PutAsync(ApiCall call)
    {
        RefuseBound(call);
        var settings = Read(call.Fields, new EventTypeSettings(call.Path("event_type")));
        Check(call.Fields, settings);
        var generation = await store.LockAsync(call.Connection, call.Cancel);
        var before = await store.ReadAsync(call.Connection, call.Caller.Organization, settings.Name, call.Cancel);
        return await WriteAsync(call, before is null ? "event_type.created" : "event_type.changed", generation, before, before?.Version, settings, isArchived: false, 200);
    }

    private async Task<ApiResult> ChangeAsync(ApiCall call)
    {
        RefuseBound(call);
        var fields = call.Fields;
        var generation = await store.LockAsync(call.Connection, call.Cancel);
        var before = await FindAsync(call);
        var version = fields.Int("version", 1, EventTypeRules.MaxVersions, required: fields.Has("version")) ?? before.Version;
        if (fields.Has("version") && fields.Has("schema")) fields.Wrong<string>("version", "Must not stand beside a schema, which is a new version or the current one.");
        if (before.Versions.All(one => one.Version != version))
        {
            fields.Wrong<string>("version", $"The type has versions 1 to {before.Versions[^1].Version}.");
            version = before.Version;
        }

        var archived = fields.Flag("archived") ?? before.ArchivedAt is not null;
        var settings = Read(fields, EventTypeStore.SettingsOf(before, version));
        Check(fields, settings);
        return await WriteAsync(call, "event_type.changed", generation, before, version, settings, archived, 200);
    }

    private async Task<ApiResult> ArchiveAsync(ApiCall call)
    {
        RefuseBound(call);
        call.After(await store.ArchiveAsync(call.Connection, call.Caller.Organization, call.Path("event_type"), call.Cancel) ?? throw Missing());
        call.Note("event_type.archived", call.Path("event_type"));
        return ApiResult.NoContent;
    }

    private async Task<ApiResult> ReadAsync(ApiCall call)
    {
        await using var connection = await database.OpenAsync(call.Cancel);
        return Answer(await store.ReadAsync(connection, call.Caller.Organization, call.Path("event_type"), call.Cancel) ?? throw Missing(), 200);
    }

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit) = (ApiCursor.Of(call), ApiCursor.LimitOf(call));
        await using var connection = await database.OpenAsync(call.Cancel);
        var found = await store.ListAsync(connection, call.Caller.Organization, cursor.Back, cursor.Key, limit + 1, call.Cancel);
        return ApiResult.Of(cursor.Page(found.ConvertAll(one => (one.Key, ListedEventType.Of(one.Type))), limit), ApiJson.Default.ApiListListedEventType);
    }

    private async Task<ApiResult> WriteAsync(
        ApiCall call, string action, long generation, WebhookEventType? before, int? version, EventTypeSettings settings, bool isArchived, int status)
    {
        var written = call.After(await store.WriteAsync(call.Connection, call.Caller.Organization, generation, before, version, settings, isArchived, call.Cancel));
        call.Note(action, written.Name, $$"""{"version":{{written.Version}}}""");
        return Answer(written, status);
    }

    private async Task<WebhookEventType> FindAsync(ApiCall call) =>
        await store.ReadAsync(call.Connection, call.Caller.Organization, call.Path("event_type"), call.Cancel) ?? throw Missing();

    /// <summary>What the body says of a type; what it leaves out is as it is in the settings given.</summary>
    private static EventTypeSettings Read(ApiFields fields, EventTypeSettings settings)
    {
        var description = fields.Text("description", required: fields.Has("description")) ?? settings.Description;
        var schema = fields.Any("schema") is { } json ? TextOf(json) : settings.Schema;
        if (fields.Any("schema") is { ValueKind: not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null) })
            fields.Wrong<string>("schema", "Must be an object, true, false or null.");
        var example = fields.Any("example") is { } given ? TextOf(given) : settings.Example;
        var deprecated = fields.Flag("deprecated") ?? settings.Deprecated;
        // What is not deprecated any more needs no note.
        var note = fields.Has("deprecation_note") ? fields.Text("deprecation_note") : deprecated ? settings.DeprecationNote : null;
        return settings with { Description = description, Schema = schema, Example = example, Deprecated = deprecated, DeprecationNote = note };
    }

    private static string? TextOf(JsonElement json) => json.ValueKind == JsonValueKind.Null ? null : json.GetRawText();

    private static void Check(ApiFields fields, EventTypeSettings settings)
    {
        try
        {
            EventTypeRules.Check(settings);
        }
        catch (WebhookValidationException refused)
        {
            fields.Include(refused);
        }

        fields.Done();
    }

    private static void RefuseBound(ApiCall call)
    {
        if (call.Caller.Application is not null)
            throw ApiException.Of(ApiProblem.Forbidden, "key", "A key that is bound to an application changes no event types: they are the organization's.");
    }

    private static ApiException Missing() => new(ApiProblem.NotFound, "There is no such event type.");

    private static ApiResult Answer(WebhookEventType type, int status) => ApiResult.Of(EventTypeAnswer.Of(type), ApiJson.Default.EventTypeAnswer, status);
}

/// <summary>An event type in a list, without its schemas.</summary>
internal sealed record ListedEventType(
    string Name, string Description, int Version, bool Deprecated, DateTimeOffset? DeprecatedAt, string? DeprecationNote, bool Archived,
    DateTimeOffset? ArchivedAt, DateTimeOffset CreatedAt)
{
    public static ListedEventType Of(WebhookEventType type) => new(
        type.Name, type.Description, type.Version, type.DeprecatedAt is not null, type.DeprecatedAt, type.DeprecationNote, type.ArchivedAt is not null,
        type.ArchivedAt, type.CreatedAt);
}

/// <summary>An event type as it is answered: its current version's schema and example, and all versions, oldest first.</summary>
internal sealed record EventTypeAnswer(
    string Name, string Description, int Version, [property: JsonConverter(typeof(AsWritten))] byte[]? Schema, [property: JsonConverter(typeof(AsWritten))] byte[]? Example,
    bool Deprecated, DateTimeOffset? DeprecatedAt, string? DeprecationNote, bool Archived, DateTimeOffset? ArchivedAt, DateTimeOffset CreatedAt,
    IReadOnlyList<EventTypeVersionAnswer> Versions)
{
    public static EventTypeAnswer Of(WebhookEventType type)
    {
        var versions = type.Versions.Select(one => new EventTypeVersionAnswer(one.Version, Bytes(one.Schema), Bytes(one.Example), one.CreatedAt)).ToList();
        var current = versions.Find(one => one.Version == type.Version)!;
        return new EventTypeAnswer(
            type.Name, type.Description, type.Version, current.Schema, current.Example, type.DeprecatedAt is not null, type.DeprecatedAt, type.DeprecationNote,
            type.ArchivedAt is not null, type.ArchivedAt, type.CreatedAt, versions);
    }

    private static byte[]? Bytes(string? json) => json is null ? null : Encoding.UTF8.GetBytes(json);
}

/// <summary>A version of an event type as it is answered.</summary>
internal sealed record EventTypeVersionAnswer(
    int Version, [property: JsonConverter(typeof(AsWritten))] byte[]? Schema, [property: JsonConverter(typeof(AsWritten))] byte[]? Example, DateTimeOffset CreatedAt);
