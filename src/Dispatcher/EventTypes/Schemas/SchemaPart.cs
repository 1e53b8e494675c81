using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>A schema object that is being compiled: what its keywords need to say what they mean, or what is wrong with them.</summary>
internal sealed class SchemaPart(SchemaCompiler compiler, JsonElement schema, string pointer, SchemaNode node)
{
    private const int MaxSchemas = 1_000;

    public string Pointer => pointer;

    public void Rule(SchemaRule rule) => node.Add(rule);

    public void Wrong(string keyword, string problem) => compiler.Wrong($"{pointer}/{keyword}", $"{keyword.Split('/')[0]} {problem}.");

    /// <summary>Another keyword of the same schema.</summary>
    public JsonElement? Sibling(string keyword) => schema.TryGetProperty(keyword, out var value) ? value : null;

    /// <summary>A schema of something inside of the value.</summary>
    public SchemaNode Schema(string keyword, JsonElement value) => compiler.Compile(value, $"{pointer}/{keyword}");

    /// <summary>A schema of the same value.</summary>
    public SchemaNode InPlace(string keyword, JsonElement value)
    {
        var other = Schema(keyword, value);
        node.Applies(other);
        return other;
    }

    public IReadOnlyList<SchemaNode>? Schemas(string keyword, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() is > 0 and <= MaxSchemas)
            return [.. value.EnumerateArray().Select((one, i) => Schema($"{keyword}/{i}", one))];
        Wrong(keyword, "must be a list of schemas");
        return null;
    }

    public IReadOnlyList<SchemaNode>? SchemasInPlace(string keyword, JsonElement value)
    {
        var schemas = Schemas(keyword, value);
        foreach (var other in schemas ?? []) node.Applies(other);
        return schemas;
    }

    public bool IsObject(string keyword, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object) return true;
        Wrong(keyword, "must be an object");
        return false;
    }

    /// <summary>A number of things.</summary>
    public long? Count(string keyword, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number
            && (value.TryGetInt64(out var count) || (value.TryGetDecimal(out var exact) && exact < 1e15m && (count = (long)exact) == exact)) && count >= 0)
            return count;
        Wrong(keyword, "must be a whole number, not below 0");
        return null;
    }

    public IReadOnlyList<string>? Texts(string keyword, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String))
            return [.. value.EnumerateArray().Select(one => one.GetString()!)];
        Wrong(keyword, "must be a list of names");
        return null;
    }

    public Regex? Pattern(string keyword, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String) return Pattern(keyword, value.GetString()!);
        Wrong(keyword, "must be text");
        return null;
    }

    public Regex? Pattern(string keyword, string pattern)
    {
        try
        {
            return compiler.Pattern(pattern);
        }
        catch (FormatException exception)
        {
            Wrong(keyword, $"{(keyword == "pattern" ? "" : "has a pattern that ")}{exception.Message}");
            return null;
        }
    }

    public Regex? TryPattern(string pattern)
    {
        try
        {
            return compiler.Pattern(pattern);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>Names as JSON.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class SchemaJson : JsonSerializerContext;
