using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Api;

/// <summary>Examples of answers: what the schema asks for, with what the example of the request says where both have a field of one name.</summary>
internal sealed class ApiExamples(JsonObject components)
{
    private const string Time = "2026-11-21T03:00:00Z";

    /// <summary>What ids look like; none of them is anybody's.</summary>
    public static readonly IReadOnlyDictionary<string, string> Ids = new Dictionary<string, string>
    {
        ["application"] = "app_019cd24d3e4b7c0d8a51f0e2b3c4d5e6", ["endpoint"] = "ep_019cd24d3e4b7c0d8a51f0e2b3c4d5e6", ["event"] = "evt_019cd24d3e4b7c0d8a51f0e2b3c4d5e6",
        ["key"] = "key_019cd24d3e4b7c0d8a51f0e2b3c4d5e6", ["task"] = "task_019cd24d3e4b7c0d8a51f0e2b3c4d5e6", ["event_type"] = "invoice.paid",
        ["request_id"] = "req_019cd24d3e4b7c0d8a51f0e2b3c4d5e6",
    };

    /// <summary>An example of a schema.</summary>
    /// <param name="schema">The schema; references lead to the components.</param>
    /// <param name="kind">What an <c>id</c> in it is of.</param>
    /// <param name="known">Values of fields that are to be taken where they fit.</param>
    public JsonNode? Of(JsonNode schema, string kind, JsonObject? known = null) => Of(schema, kind, known, name: "", depth: 0);

    private JsonNode? Of(JsonNode schema, string kind, JsonObject? known, string name, int depth)
    {
        if (schema is not JsonObject it) return new JsonObject();
        if (it["$ref"] is { } reference) return Of(components[((string)reference!).Split('/')[^1]]!, kind, known, name, depth);
        if (it["anyOf"] is JsonArray any) return depth > 2 ? null : Of(any[0]!, kind, known, name, depth);
        if (it["enum"] is JsonArray words) return words[0]?.DeepClone();
        var types = it["type"] is JsonArray several ? several.Select(type => (string)type!).ToList() : it["type"] is { } one ? [(string)one!] : [];
        var nullable = types.Remove("null");
        return types.FirstOrDefault() switch
        {
            "object" => Object(it, kind, known, depth),
            "array" => Array(it, kind, known, name, depth),
            // What may be null mostly is: a key that was not revoked, an event that did not fail.
            _ when nullable => null,
            "string" => (string?)it["format"] == "date-time" ? Time : Text(name, kind),
            "integer" or "number" => 1,
            "boolean" => false,
            _ => new JsonObject(),
        };
    }

    private JsonObject Object(JsonObject schema, string kind, JsonObject? known, int depth)
    {
        var example = new JsonObject();
        foreach (var (name, property) in schema["properties"] as JsonObject ?? [])
            example[name] = known is not null && known.TryGetPropertyValue(name, out var value) ? value?.DeepClone() : Of(property!, kind, known, name, depth + 1);
        return example;
    }

    private JsonArray Array(JsonObject schema, string kind, JsonObject? known, string name, int depth) =>
        depth > 4 || schema["items"] is not { } items ? [] : [Of(items, kind, known, name.TrimEnd('s'), depth + 1)];

    private static string Text(string name, string kind) => name switch
    {
        "id" => Ids.GetValueOrDefault(kind, "…"),
        "key" when kind == "key" => "wk_…",
        "key" => Ids["key"],
        "secret" => "whsec_…",
        "url" => "https://example.com/webhooks",
        "event_path" => $"/applications/{Ids["application"]}/events/{Ids["event"]}",
        "attempts_path" => $"/endpoints/{Ids["endpoint"]}/attempts",
        "type" or "event_type" => "invoice.paid",
        "name" when kind == "event-type" => "invoice.paid",
        "scope" => WebhookApiScopes.EventsRead,
        "action" => "application.created",
        "target" => Ids["application"],
        _ => Ids.GetValueOrDefault(name, "…"),
    };
}
