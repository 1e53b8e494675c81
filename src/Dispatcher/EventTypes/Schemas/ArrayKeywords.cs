using System.Globalization;
using System.Text.Json;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>What a schema says of a list.</summary>
internal static class ArrayKeywords
{
    /// <summary>Adds a keyword's rule. False when the keyword is none of these.</summary>
    public static bool Add(SchemaPart part, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "minItems": Size(part, keyword, value, "at least", static (size, limit) => size >= limit); return true;
            case "maxItems": Size(part, keyword, value, "at most", static (size, limit) => size <= limit); return true;
            case "uniqueItems": Unique(part, value); return true;
            case "prefixItems": PrefixItems(part, value); return true;
            case "items": Items(part, value); return true;
            case "contains": Contains(part, value); return true;
            // Read by contains, without which they say nothing.
            case "minContains" or "maxContains": part.Count(keyword, value); return true;
            default: return false;
        }
    }

    private static void Size(SchemaPart part, string keyword, JsonElement value, string words, Func<long, long, bool> fits)
    {
        if (part.Count(keyword, value) is not { } limit) return;
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Array || fits(it.GetArrayLength(), limit)
            || run.Problem(path, string.Create(CultureInfo.InvariantCulture, $"Must have {words} {limit} elements.")));
    }

    private static void PrefixItems(SchemaPart part, JsonElement value)
    {
        if (part.Schemas("prefixItems", value) is not { } schemas) return;
        part.Rule((it, run, path) =>
        {
            if (it.ValueKind != JsonValueKind.Array) return true;
            var (fits, i) = (true, 0);
            foreach (var element in it.EnumerateArray())
            {
                if (i == schemas.Count) break;
                fits &= schemas[i].Fits(element, run, path?.Child(i));
                i++;
            }

            return fits;
        });
    }

    private static void Items(SchemaPart part, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            part.Wrong("items", "must be one schema; those of the first few elements stand in prefixItems");
            return;
        }

        var schema = part.Schema("items", value);
        var first = part.Sibling("prefixItems") is { ValueKind: JsonValueKind.Array } prefix ? prefix.GetArrayLength() : 0;
        part.Rule((it, run, path) =>
        {
            if (it.ValueKind != JsonValueKind.Array) return true;
            var (fits, i) = (true, 0);
            foreach (var element in it.EnumerateArray())
            {
                if (i >= first && !schema.Fits(element, run, path?.Child(i)))
                {
                    fits = false;
                    if (path is null) break;
                }

                i++;
            }

            return fits;
        });
    }

    private static void Contains(SchemaPart part, JsonElement value)
    {
        var schema = part.Schema("contains", value);
        var least = part.Sibling("minContains") is { } low ? part.Count("minContains", low) ?? 1 : 1;
        var most = part.Sibling("maxContains") is { } high ? part.Count("maxContains", high) ?? long.MaxValue : long.MaxValue;
        part.Rule((it, run, path) =>
        {
            if (it.ValueKind != JsonValueKind.Array) return true;
            var found = 0L;
            foreach (var element in it.EnumerateArray())
                if (schema.Fits(element, run, null)) found++;
            return (found >= least && found <= most)
                || run.Problem(path, string.Create(CultureInfo.InvariantCulture, $"Has {found} of the elements that it must contain, and not as many as it must."));
        });
    }

    private static void Unique(SchemaPart part, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) part.Wrong("uniqueItems", "must be true or false");
        if (value.ValueKind != JsonValueKind.True) return;
        part.Rule((it, run, path) =>
        {
            if (it.ValueKind != JsonValueKind.Array) return true;
            // Compared only with those of the same hash: else a long list would be compared each with each.
            var seen = new Dictionary<int, List<JsonElement>>();
            foreach (var element in it.EnumerateArray())
            {
                var hash = HashOf(element, run);
                if (!seen.TryGetValue(hash, out var alike)) seen.Add(hash, alike = []);
                run.Spend(1 + alike.Count);
                if (alike.Exists(other => JsonElement.DeepEquals(element, other))) return run.Problem(path, "Must not have an element twice.");
                alike.Add(element);
            }

            return true;
        });
    }

    /// <summary>The same for what is equal: numbers by their value, objects whatever the order of their members.</summary>
    private static int HashOf(JsonElement value, SchemaRun run)
    {
        run.Spend(1);
        switch (value.ValueKind)
        {
            case JsonValueKind.String: return value.GetString()!.GetHashCode(StringComparison.Ordinal);
            case JsonValueKind.Number: return ExactNumber.TryParse(value, out var number) ? number.GetHashCode() : 0;
            case JsonValueKind.Array:
                var list = new HashCode();
                foreach (var element in value.EnumerateArray()) list.Add(HashOf(element, run));
                return list.ToHashCode();
            case JsonValueKind.Object:
                var members = 1;
                foreach (var member in value.EnumerateObject()) members += HashCode.Combine(member.Name.GetHashCode(StringComparison.Ordinal), HashOf(member.Value, run));
                return members;
            default: return (int)value.ValueKind;
        }
    }
}
