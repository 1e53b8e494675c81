using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>What a schema says of an object.</summary>
internal static class ObjectKeywords
{
    /// <summary>Adds a keyword's rule. False when the keyword is none of these.</summary>
    public static bool Add(SchemaPart part, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "minProperties": Size(part, keyword, value, "at least", static (size, limit) => size >= limit); return true;
            case "maxProperties": Size(part, keyword, value, "at most", static (size, limit) => size <= limit); return true;
            case "required": Required(part, value); return true;
            case "dependentRequired": DependentRequired(part, value); return true;
            case "dependentSchemas": DependentSchemas(part, value); return true;
            case "properties": Properties(part, value); return true;
            case "patternProperties": PatternProperties(part, value); return true;
            case "additionalProperties": AdditionalProperties(part, value); return true;
            case "propertyNames": PropertyNames(part, value); return true;
            default: return false;
        }
    }

    private static void Size(SchemaPart part, string keyword, JsonElement value, string words, Func<long, long, bool> fits)
    {
        if (part.Count(keyword, value) is not { } limit) return;
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Object || fits(it.GetPropertyCount(), limit)
            || run.Problem(path, string.Create(CultureInfo.InvariantCulture, $"Must have {words} {limit} members.")));
    }

    private static void Required(SchemaPart part, JsonElement value)
    {
        if (part.Texts("required", value) is not { } names) return;
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Object || HasAll(it, names, run, path));
    }

    private static void DependentRequired(SchemaPart part, JsonElement value)
    {
        if (!part.IsObject("dependentRequired", value)) return;
        foreach (var member in value.EnumerateObject())
        {
            if (part.Texts($"dependentRequired/{SchemaPath.Escape(member.Name)}", member.Value) is not { } names) continue;
            part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Object || !Has(it, member.Name, run) || HasAll(it, names, run, path));
        }
    }

    private static void DependentSchemas(SchemaPart part, JsonElement value)
    {
        if (!part.IsObject("dependentSchemas", value)) return;
        foreach (var member in value.EnumerateObject())
        {
            var schema = part.InPlace($"dependentSchemas/{SchemaPath.Escape(member.Name)}", member.Value);
            part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Object || !Has(it, member.Name, run) || schema.Fits(it, run, path));
        }
    }

    private static void Properties(SchemaPart part, JsonElement value)
    {
        if (!part.IsObject("properties", value)) return;
        var schemas = value.EnumerateObject().ToDictionary(member => member.Name, member => part.Schema($"properties/{SchemaPath.Escape(member.Name)}", member.Value));
        part.Rule((it, run, path) => Each(it, run, path, (member, name, at) => !schemas.TryGetValue(name, out var schema) || schema.Fits(member, run, at)));
    }

    private static void PatternProperties(SchemaPart part, JsonElement value)
    {
        if (!part.IsObject("patternProperties", value)) return;
        foreach (var member in value.EnumerateObject())
        {
            var keyword = $"patternProperties/{SchemaPath.Escape(member.Name)}";
            var schema = part.Schema(keyword, member.Value);
            if (part.Pattern(keyword, member.Name) is not { } pattern) continue;
            part.Rule((it, run, path) => Each(it, run, path, (one, name, at) => !ValueKeywords.Matches(pattern, name, run) || schema.Fits(one, run, at)));
        }
    }

    private static void AdditionalProperties(SchemaPart part, JsonElement value)
    {
        var schema = part.Schema("additionalProperties", value);
        var known = part.Sibling("properties") is { ValueKind: JsonValueKind.Object } properties ? properties.EnumerateObject().Select(member => member.Name).ToHashSet() : [];
        // What is wrong with these is told where they stand.
        var patterns = part.Sibling("patternProperties") is { ValueKind: JsonValueKind.Object } several
            ? several.EnumerateObject().Select(member => part.TryPattern(member.Name)).OfType<Regex>().ToArray() : [];
        part.Rule((it, run, path) => Each(
            it, run, path, (member, name, at) => known.Contains(name) || patterns.Any(pattern => ValueKeywords.Matches(pattern, name, run)) || schema.Fits(member, run, at)));
    }

    private static void PropertyNames(SchemaPart part, JsonElement value)
    {
        var schema = part.Schema("propertyNames", value);
        part.Rule((it, run, path) => Each(
            it, run, path, (_, name, at) => schema.Fits(JsonElement.Parse(JsonSerializer.SerializeToUtf8Bytes(name, SchemaJson.Default.String)), run, at)));
    }

    private static bool HasAll(JsonElement it, IReadOnlyList<string> names, SchemaRun run, SchemaPath? path)
    {
        var all = true;
        foreach (var name in names)
        {
            if (Has(it, name, run)) continue;
            all = run.Problem(path?.Child(name), "Must be there.");
            if (path is null) break;
        }

        return all;
    }

    private static bool Has(JsonElement it, string name, SchemaRun run)
    {
        // Looked for from one end to the other.
        run.Spend(1 + (it.GetPropertyCount() / 8));
        return it.TryGetProperty(name, out _);
    }

    private static bool Each(JsonElement it, SchemaRun run, SchemaPath? path, Func<JsonElement, string, SchemaPath?, bool> fits)
    {
        if (it.ValueKind != JsonValueKind.Object) return true;
        var all = true;
        foreach (var member in it.EnumerateObject())
        {
            run.Spend(1);
            var name = member.Name;
            if (fits(member.Value, name, path?.Child(name))) continue;
            all = false;
            if (path is null) break;
        }

        return all;
    }
}
