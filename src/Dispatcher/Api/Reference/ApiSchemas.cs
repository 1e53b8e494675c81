using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Webhooks.Dispatcher.Api;

/// <summary>The schemas of what is answered, taken from what writes the answers: each record once, under its name.</summary>
internal sealed class ApiSchemas
{
    private readonly Dictionary<Type, string> _names = [];

    /// <summary>All of them, by name.</summary>
    public JsonObject Components { get; } = [];

    /// <summary>A reference to the schema of a record.</summary>
    public JsonObject Of(JsonTypeInfo type)
    {
        if (!_names.TryGetValue(type.Type, out var name))
        {
            name = NameOf(type.Type);
            // Two records of one name would be described as one.
            if (!_names.TryAdd(type.Type, name) || Components.ContainsKey(name)) throw new InvalidOperationException($"Two answers are named {name} in the document.");
            Components[name] = null;
            Components[name] = type.GetJsonSchemaAsNode(new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Transform });
        }

        return Ref(name);
    }

    public static JsonObject Ref(string name) => new() { ["$ref"] = $"#/components/schemas/{name}" };

    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema)
    {
        var record = context.TypeInfo.Kind == JsonTypeInfoKind.Object;
        if (!context.Path.IsEmpty && record)
        {
            var nullable = schema["type"] is JsonArray;
            return nullable ? new JsonObject { ["anyOf"] = new JsonArray(Of(context.TypeInfo), new JsonObject { ["type"] = "null" }) } : Of(context.TypeInfo);
        }

        if (!record || schema is not JsonObject it) return schema;
        // The root of an answer is there; the exporter does not know that.
        it["type"] = "object";
        // A member is always written, unless it says that it is not.
        it["required"] = new JsonArray([.. context.TypeInfo.Properties.Where(IsAlwaysThere).Select(property => JsonValue.Create(property.Name))]);
        return it;
    }

    private static bool IsAlwaysThere(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), true) is not [JsonIgnoreAttribute { Condition: not JsonIgnoreCondition.Never }];

    private static string NameOf(Type type)
    {
        if (type.IsGenericType) return NameOf(type.GetGenericArguments()[0]) + "List";
        return type.Name.EndsWith("Answer", StringComparison.Ordinal) ? type.Name[..^"Answer".Length] : type.Name;
    }
}
