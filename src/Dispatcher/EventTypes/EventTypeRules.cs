using System.Text;
using System.Text.Json;
using Webhooks.Dispatcher.EventTypes.Schemas;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.EventTypes;

/// <summary>What an event type must be like; pure.</summary>
internal static class EventTypeRules
{
    public const int MaxDescription = 2_000;
    public const int MaxNote = 500;
    public const int MaxExampleBytes = 64 * 1024;
    public const int MaxVersions = 100;
    public const int MaxTypes = 1_000;

    /// <exception cref="WebhookValidationException">Says what is wrong, for every field.</exception>
    public static void Check(EventTypeSettings settings)
    {
        var errors = new Dictionary<string, string[]>();
        if (EventRules.TypeProblem(settings.Name) is { } name) errors["name"] = [name];
        if (settings.Description is null || settings.Description.Length > MaxDescription || !EventRules.CanBeStored(settings.Description))
            errors["description"] = [$"Must have at most {MaxDescription} characters, no NUL and no half of a surrogate pair."];
        if (settings.DeprecationNote is { } note)
        {
            if (note.Length is 0 or > MaxNote || !EventRules.CanBeStored(note))
                errors["deprecation_note"] = [$"Must have 1 to {MaxNote} characters, no NUL and no half of a surrogate pair."];
            else if (!settings.Deprecated) errors["deprecation_note"] = ["Must stand beside deprecated: true."];
        }

        var schema = Schema(settings.Schema, errors);
        if (settings.Example is { } example) CheckExample(example, schema, errors);
        if (errors.Count > 0) throw new WebhookValidationException(errors);
    }

    /// <summary>Whether two schemas say the same: spaces and the order of names do not count.</summary>
    public static bool AreSame(string? one, string? two)
    {
        if (one == two) return true;
        if (one is null || two is null) return false;
        using var first = JsonDocument.Parse(one);
        using var second = JsonDocument.Parse(two);
        return JsonElement.DeepEquals(first.RootElement, second.RootElement);
    }

    private static EventSchema? Schema(string? schema, Dictionary<string, string[]> errors)
    {
        if (schema is null) return null;
        try
        {
            if (!schema.Contains('\0', StringComparison.Ordinal) && EventRules.CanBeStored(schema)) return EventSchema.Compile(schema, "/schema");
            errors["/schema"] = ["Must be valid Unicode without NUL."];
        }
        catch (WebhookValidationException refused)
        {
            foreach (var (place, problems) in refused.Errors) errors[place] = problems;
        }

        return null;
    }

    private static void CheckExample(string example, EventSchema? schema, Dictionary<string, string[]> errors)
    {
        var bytes = Encoding.UTF8.GetBytes(example);
        if (!EventRules.CanBeStored(example)) errors["/example"] = ["Must be valid Unicode without NUL."];
        else if (EventRules.DataProblem(bytes, MaxExampleBytes) is { } problem) errors["/example"] = [problem];
        else
            foreach (var (place, problems) in schema?.Problems(bytes, "/example") ?? new Dictionary<string, string[]>())
                errors[place] = [.. problems.Select(one => $"Does not fit the schema. {one}")];
    }
}
