using System.Globalization;
using System.Text.Json;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>Schemas of schemas.</summary>
internal static class CombiningKeywords
{
    /// <summary>Adds a keyword's rule. False when the keyword is none of these.</summary>
    public static bool Add(SchemaPart part, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "allOf": AllOf(part, value); return true;
            case "anyOf" or "oneOf": SomeOf(part, keyword, value); return true;
            case "not":
                var schema = part.InPlace(keyword, value);
                part.Rule((it, run, path) => !schema.Fits(it, run, null) || run.Problem(path, "Must not be what it is (not)."));
                return true;
            case "if": If(part, value); return true;
            // Read by if, without which they say nothing; but what stands in them must be sound.
            case "then" or "else":
                part.InPlace(keyword, value);
                return true;
            default: return false;
        }
    }

    private static void AllOf(SchemaPart part, JsonElement value)
    {
        if (part.SchemasInPlace("allOf", value) is not { } schemas) return;
        part.Rule((it, run, path) =>
        {
            var all = true;
            foreach (var schema in schemas)
            {
                if (schema.Fits(it, run, path)) continue;
                all = false;
                if (path is null) break;
            }

            return all;
        });
    }

    private static void SomeOf(SchemaPart part, string keyword, JsonElement value)
    {
        if (part.SchemasInPlace(keyword, value) is not { } schemas) return;
        var any = keyword == "anyOf";
        part.Rule((it, run, path) =>
        {
            var fitting = 0;
            foreach (var schema in schemas)
                if (schema.Fits(it, run, null) && (++fitting > 1 || any)) break;
            if (fitting == 1) return true;
            return run.Problem(path, string.Create(
                CultureInfo.InvariantCulture,
                $"Must fit {(any ? "at least" : "exactly")} one of {schemas.Count} schemas ({keyword}); it fits {(fitting == 0 ? "none" : "several")}."));
        });
    }

    private static void If(SchemaPart part, JsonElement value)
    {
        var condition = part.InPlace("if", value);
        var then = part.Sibling("then") is { } yes ? part.InPlace("then", yes) : null;
        var otherwise = part.Sibling("else") is { } no ? part.InPlace("else", no) : null;
        if (then is null && otherwise is null) return;
        part.Rule((it, run, path) => (condition.Fits(it, run, null) ? then : otherwise)?.Fits(it, run, path) ?? true);
    }
}
