using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>What a schema says of a value whatever is inside of it: its type, its number, its text.</summary>
internal static class ValueKeywords
{
    private static readonly string[] Types = ["null", "boolean", "object", "array", "number", "string", "integer"];

    /// <summary>Adds a keyword's rule. False when the keyword is none of these.</summary>
    public static bool Add(SchemaPart part, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "type": Type(part, value); return true;
            case "enum" when value.ValueKind == JsonValueKind.Array: Enum(part, value); return true;
            case "enum": part.Wrong(keyword, "must be a list"); return true;
            case "const": part.Rule((it, run, path) => JsonElement.DeepEquals(it, value) || run.Problem(path, "Must be the one value that is allowed.")); return true;
            case "minimum": Limit(part, keyword, value, "at least", static order => order >= 0); return true;
            case "maximum": Limit(part, keyword, value, "at most", static order => order <= 0); return true;
            case "exclusiveMinimum": Limit(part, keyword, value, "more than", static order => order > 0); return true;
            case "exclusiveMaximum": Limit(part, keyword, value, "less than", static order => order < 0); return true;
            case "multipleOf": MultipleOf(part, value); return true;
            case "minLength": Length(part, keyword, value, "at least", static (length, limit) => length >= limit); return true;
            case "maxLength": Length(part, keyword, value, "at most", static (length, limit) => length <= limit); return true;
            case "pattern": Pattern(part, value); return true;
            case "format": Format(part, value); return true;
            default: return false;
        }
    }

    private static void Type(SchemaPart part, JsonElement value)
    {
        var names = value.ValueKind switch
        {
            JsonValueKind.String => [value.GetString()!],
            JsonValueKind.Array => value.EnumerateArray().Select(one => one.ValueKind == JsonValueKind.String ? one.GetString()! : "").ToArray(),
            _ => [],
        };
        if (names.Length == 0 || names.Except(Types).Any())
        {
            part.Wrong("type", $"must be one or several of {string.Join(", ", Types)}");
            return;
        }

        var wanted = string.Join(" or ", names);
        part.Rule((it, run, path) => names.Any(name => Is(it, name)) || run.Problem(path, $"Must be {wanted}; it is {NameOf(it)}."));
    }

    private static bool Is(JsonElement it, string type) => type switch
    {
        "null" => it.ValueKind == JsonValueKind.Null,
        "boolean" => it.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "object" => it.ValueKind == JsonValueKind.Object,
        "array" => it.ValueKind == JsonValueKind.Array,
        "string" => it.ValueKind == JsonValueKind.String,
        "number" => it.ValueKind == JsonValueKind.Number,
        _ => it.ValueKind == JsonValueKind.Number && (it.TryGetInt64(out _) || (ExactNumber.TryParse(it, out var number) && number.IsInteger)),
    };

    private static string NameOf(JsonElement it) => Types.First(type => Is(it, type));

    private static void Enum(SchemaPart part, JsonElement value)
    {
        var allowed = value.EnumerateArray().ToArray();
        part.Rule((it, run, path) =>
        {
            run.Spend(1 + (allowed.Length / 8));
            foreach (var one in allowed)
                if (one.ValueKind == it.ValueKind && JsonElement.DeepEquals(it, one)) return true;
            return run.Problem(path, "Must be one of the values that are allowed.");
        });
    }

    private static void Limit(SchemaPart part, string keyword, JsonElement value, string words, Func<int, bool> fits)
    {
        if (value.ValueKind != JsonValueKind.Number || !ExactNumber.TryParse(value, out var limit))
        {
            part.Wrong(keyword, "must be a number, of not too many digits");
            return;
        }

        var text = value.GetRawText();
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Number
            || (ExactNumber.TryParse(it, out var number) ? fits(number.CompareTo(limit)) || run.Problem(path, $"Must be {words} {text}.") : TooLong(run, path)));
    }

    private static void MultipleOf(SchemaPart part, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number || !ExactNumber.TryParse(value, out var unit) || !unit.IsPositive)
        {
            part.Wrong("multipleOf", "must be a number above 0, of not too many digits");
            return;
        }

        var text = value.GetRawText();
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.Number
            || (ExactNumber.TryParse(it, out var number) ? number.IsMultipleOf(unit) || run.Problem(path, $"Must be a multiple of {text}.") : TooLong(run, path)));
    }

    private static bool TooLong(SchemaRun run, SchemaPath? path) => run.Problem(path, "Has more digits, or a larger exponent, than are counted with.");

    private static void Length(SchemaPart part, string keyword, JsonElement value, string words, Func<long, long, bool> fits)
    {
        if (part.Count(keyword, value) is not { } limit) return;
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.String || fits(CharactersOf(it.GetString()!, run), limit)
            || run.Problem(path, string.Create(CultureInfo.InvariantCulture, $"Must have {words} {limit} characters.")));
    }

    /// <summary>Characters are code points: what takes two UTF-16 units counts once.</summary>
    private static long CharactersOf(string text, SchemaRun run)
    {
        run.Spend(text.Length / 64);
        var pairs = 0;
        foreach (var c in text)
            if (char.IsLowSurrogate(c)) pairs++;
        return text.Length - pairs;
    }

    private static void Pattern(SchemaPart part, JsonElement value)
    {
        if (part.Pattern("pattern", value) is not { } pattern) return;
        part.Rule((it, run, path) => it.ValueKind != JsonValueKind.String || Matches(pattern, it.GetString()!, run)
            || run.Problem(path, $"Must match the pattern {value.GetString()}."));
    }

    /// <summary>Whether a pattern is found in a text.</summary>
    public static bool Matches(Regex pattern, string text, SchemaRun run)
    {
        run.Spend(1 + (text.Length / 8));
        try
        {
            return pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new SchemaRunException("Matching a pattern of its type's schema takes too long.");
        }
    }

    private static void Format(SchemaPart part, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || !SchemaFormats.All.TryGetValue(value.GetString()!, out var fits))
        {
            part.Wrong("format", $"must be one of {string.Join(", ", SchemaFormats.All.Keys)}: another one is not checked here");
            return;
        }

        var name = value.GetString()!;
        part.Rule((it, run, path) =>
        {
            if (it.ValueKind != JsonValueKind.String) return true;
            var text = it.GetString()!;
            run.Spend(1 + (text.Length / 8));
            return fits(text) || run.Problem(path, $"Must be {name}.");
        });
    }
}
