using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>
/// Holds JSON against a schema of the document: that part of JSON Schema 2020-12 which the document uses.
/// A keyword that it does not know fails the check, so that none is passed over.
/// </summary>
/// <param name="document">Where references lead.</param>
/// <param name="closed">Whether a member that the schema does not describe is wrong, too.</param>
internal sealed class SchemaCheck(JsonObject document, bool closed)
{
    private static readonly HashSet<string> Known =
    [
        "description", "default", "example", "examples", "title", "deprecated", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems",
        "required", "properties", "additionalProperties", "items", "enum", "const", "type", "anyOf", "allOf", "oneOf", "$ref", "maxProperties", "minProperties",
    ];

    /// <summary>What is wrong; empty when nothing is.</summary>
    public IReadOnlyList<string> Problems(JsonNode schema, JsonNode? value)
    {
        var problems = new List<string>();
        Check(schema, value, "$", problems, closed);
        return problems;
    }

    private void Check(JsonNode schema, JsonNode? value, string at, List<string> problems, bool close)
    {
        if (schema is JsonValue truth)
        {
            if (!truth.GetValue<bool>()) problems.Add($"{at} must not be there");
            return;
        }

        var it = (JsonObject)schema;
        foreach (var (keyword, _) in it)
            if (!Known.Contains(keyword) && !keyword.StartsWith("x-", StringComparison.Ordinal)) problems.Add($"{at}: the check does not know the keyword {keyword}");
        if (it["$ref"] is { } reference) Check(Resolve((string)reference!), value, at, problems, close);
        foreach (var one in it["allOf"] as JsonArray ?? []) Check(one!, value, at, problems, close: false);
        foreach (var (keyword, single) in new[] { ("anyOf", false), ("oneOf", true) })
        {
            if (it[keyword] is not JsonArray several) continue;
            var fitting = several.Count(one => Fits(one!, value, at, close));
            if (fitting == 0 || (single && fitting > 1)) problems.Add($"{at} fits {fitting} of {keyword}");
        }

        if (it["enum"] is JsonArray words && !words.Any(word => JsonNode.DeepEquals(word, value)))
            problems.Add($"{at} is {Shown(value)}, none of {words.ToJsonString()}");
        if (it.ContainsKey("const") && !JsonNode.DeepEquals(it["const"], value)) problems.Add($"{at} is not {Shown(it["const"])}");
        if (it["type"] is { } type && !Types(type).Any(name => Is(name, value)))
        {
            problems.Add($"{at} is {Shown(value)}, no {type.ToJsonString()}");
            return;
        }

        switch (value)
        {
            case JsonObject members: CheckObject(it, members, at, problems, close); break;
            case JsonArray elements: CheckArray(it, elements, at, problems, close); break;
            case JsonValue plain when plain.GetValueKind() == JsonValueKind.String: CheckText(it, plain.GetValue<string>(), at, problems); break;
            case JsonValue plain when plain.GetValueKind() == JsonValueKind.Number: CheckNumber(it, double.Parse(plain.ToJsonString(), CultureInfo.InvariantCulture), at, problems); break;
        }
    }

    private void CheckObject(JsonObject schema, JsonObject members, string at, List<string> problems, bool close)
    {
        foreach (var name in schema["required"] as JsonArray ?? [])
            if (!members.ContainsKey((string)name!)) problems.Add($"{at}.{name} is not there");
        if ((int?)schema["maxProperties"] < members.Count || (int?)schema["minProperties"] > members.Count) problems.Add($"{at} has {members.Count} members");
        var properties = schema["properties"] as JsonObject;
        foreach (var (name, member) in members)
        {
            if (properties?[name] is { } property) Check(property, member, $"{at}.{name}", problems, close);
            else if (schema["additionalProperties"] is { } more) Check(more, member, $"{at}.{name}", problems, close);
            else if (close && properties is not null) problems.Add($"{at}.{name} is not described");
        }
    }

    private void CheckArray(JsonObject schema, JsonArray elements, string at, List<string> problems, bool close)
    {
        if ((int?)schema["minItems"] > elements.Count || (int?)schema["maxItems"] < elements.Count) problems.Add($"{at} has {elements.Count} elements");
        if (schema["items"] is not { } items) return;
        for (var i = 0; i < elements.Count; i++) Check(items, elements[i], $"{at}[{i}]", problems, close);
    }

    private static void CheckText(JsonObject schema, string text, string at, List<string> problems)
    {
        if ((int?)schema["minLength"] > text.Length || (int?)schema["maxLength"] < text.Length) problems.Add($"{at} has {text.Length} characters");
        if ((string?)schema["pattern"] is { } pattern && !Regex.IsMatch(text, pattern)) problems.Add($"{at} does not match {pattern}");
        if ((string?)schema["format"] is "date-time" && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _))
            problems.Add($"{at} is no time: {text}");
    }

    private static void CheckNumber(JsonObject schema, double number, string at, List<string> problems)
    {
        if ((double?)schema["minimum"] > number || (double?)schema["maximum"] < number) problems.Add($"{at} is {number}");
    }

    private bool Fits(JsonNode schema, JsonNode? value, string at, bool close)
    {
        var problems = new List<string>();
        Check(schema, value, at, problems, close);
        return problems.Count == 0;
    }

    /// <summary>Where a reference leads.</summary>
    public JsonNode Resolve(string reference)
    {
        JsonNode node = document;
        foreach (var part in reference.TrimStart('#', '/').Split('/')) node = node[part] ?? throw new InvalidOperationException($"{reference} leads nowhere.");
        return node;
    }

    private static IEnumerable<string> Types(JsonNode type) => type is JsonArray several ? several.Select(one => (string)one!) : [(string)type!];

    private static bool Is(string type, JsonNode? value) => (type, value?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        ("null", JsonValueKind.Null) or ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String)
            or ("number", JsonValueKind.Number) or ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("integer", JsonValueKind.Number) => double.IsInteger(double.Parse(value!.ToJsonString(), CultureInfo.InvariantCulture)),
        _ => false,
    };

    private static string Shown(JsonNode? value) => value?.ToJsonString() is { } text ? text[..Math.Min(text.Length, 60)] : "null";
}
