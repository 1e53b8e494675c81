using System.Globalization;
using System.Text.Json;

namespace Webhooks.Dispatcher.Api;

/// <summary>
/// Reads the members of a JSON object one by one and remembers everything that is wrong with them, so that a caller is told of all at once.
/// A member that nobody asked for is wrong, too: it was meant to do something.
/// </summary>
internal sealed class ApiFields(JsonElement body, string prefix = "")
{
    private readonly Dictionary<string, List<string>> _errors = [];
    private readonly HashSet<string> _asked = [];

    /// <summary>What is wrong so far, by field.</summary>
    public IReadOnlyDictionary<string, List<string>> Errors => _errors;

    /// <summary>Whether the member is there, even if it is null.</summary>
    public bool Has(string name)
    {
        _asked.Add(name);
        return body.TryGetProperty(name, out _);
    }

    public string? Text(string name, bool required = false, int least = 0, int most = int.MaxValue)
    {
        if (Find(name, JsonValueKind.String, "text", required) is not { } value) return null;
        var text = value.GetString()!;
        if (text.Contains('\0', StringComparison.Ordinal)) return Wrong<string>(name, "Must not have U+0000 in it.");
        return text.Length >= least && text.Length <= most ? text
            : Wrong<string>(name, string.Create(CultureInfo.InvariantCulture, $"Must have {least} to {most} characters; it has {text.Length}."));
    }

    public long? Number(string name, long least, long most, bool required = false)
    {
        if (Find(name, JsonValueKind.Number, "a whole number", required) is not { } value) return null;
        if (value.TryGetInt64(out var number) && number >= least && number <= most) return number;
        Wrong<string>(name, string.Create(CultureInfo.InvariantCulture, $"Must be a whole number from {least} to {most}."));
        return null;
    }

    public int? Int(string name, int least, int most, bool required = false) => (int?)Number(name, least, most, required);

    public bool? Flag(string name)
    {
        _asked.Add(name);
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Wrong<string>(name, "Must be true or false.");
        return null;
    }

    public DateTimeOffset? Time(string name, bool required = false)
    {
        if (Find(name, JsonValueKind.String, "a time such as 2026-11-21T03:00:00Z", required) is not { } value) return null;
        if (value.TryGetDateTimeOffset(out var time) && IsUsable(time)) return time.ToUniversalTime();
        Wrong<string>(name, "Must be a time such as 2026-11-21T03:00:00Z.");
        return null;
    }

    /// <summary>Beyond these years a minute more or less is a time that neither a program nor the database holds; nobody means one.</summary>
    public static bool IsUsable(DateTimeOffset time) => time.Year is >= 1970 and < 9000;

    public string[]? Texts(string name, bool required = false, int most = 100)
    {
        if (Find(name, JsonValueKind.Array, "a list of texts", required) is not { } value) return null;
        if (value.GetArrayLength() > most) return Wrong<string[]>(name, string.Create(CultureInfo.InvariantCulture, $"Must have at most {most} elements."));
        var texts = new List<string>();
        foreach (var element in value.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.String) return Wrong<string[]>(name, "Must be a list of texts.");
            if (!IsText(element)) return Wrong<string[]>(name, "Must be valid Unicode.");
            texts.Add(element.GetString()!);
        }

        return [.. texts];
    }

    /// <summary>A list of anything, each element to be judged by itself.</summary>
    public IReadOnlyList<JsonElement>? Elements(string name, int least, int most)
    {
        if (Find(name, JsonValueKind.Array, "a list", required: true) is not { } value) return null;
        var length = value.GetArrayLength();
        return length >= least && length <= most ? [.. value.EnumerateArray()]
            : Wrong<IReadOnlyList<JsonElement>>(name, string.Create(CultureInfo.InvariantCulture, $"Must have {least} to {most} elements; it has {length}."));
    }

    /// <summary>One of a few words.</summary>
    public T? Word<T>(string name, IReadOnlyDictionary<string, T> words, bool required = false) where T : struct
    {
        if (Find(name, JsonValueKind.String, "text", required) is not { } value) return null;
        foreach (var (word, meaning) in words)
            if (value.ValueEquals(word)) return meaning;
        Wrong<string>(name, $"Must be one of {string.Join(", ", words.Keys)}.");
        return null;
    }

    /// <summary>An object of its own; its problems are named with a dot.</summary>
    public ApiFields? Object(string name, bool required = false) =>
        Find(name, JsonValueKind.Object, "an object", required) is { } value ? new ApiFields(value, $"{prefix}{name}.") : null;

    /// <summary>Any JSON, as it was written.</summary>
    public JsonElement? Any(string name, bool required = false)
    {
        _asked.Add(name);
        if (body.TryGetProperty(name, out var value)) return value;
        if (required) Wrong<string>(name, "Must be there.");
        return null;
    }

    /// <summary>Something beyond the kind of the value is wrong.</summary>
    public T? Wrong<T>(string name, string problem)
    {
        var key = prefix + name;
        if (!_errors.TryGetValue(key, out var problems)) _errors.Add(key, problems = []);
        problems.Add(problem);
        return default;
    }

    /// <summary>Takes over what is wrong with an object inside.</summary>
    public void Include(ApiFields inner)
    {
        inner.CheckUnknown();
        foreach (var (name, problems) in inner.Errors) _errors.TryAdd(name, problems);
    }

    /// <summary>Takes over what the library's own rules found.</summary>
    public void Include(WebhookValidationException refused)
    {
        foreach (var (name, problems) in refused.Errors) _errors.TryAdd(prefix + name, [.. problems]);
    }

    /// <summary>All members were asked for. What is wrong, if anything.</summary>
    public IReadOnlyDictionary<string, string[]>? Problems()
    {
        CheckUnknown();
        return _errors.Count == 0 ? null : _errors.ToDictionary(pair => pair.Key, pair => pair.Value.ToArray());
    }

    /// <exception cref="ApiException">Something is wrong; all of it is named.</exception>
    public void Done()
    {
        if (Problems() is { } problems) throw new ApiException(ApiProblem.ValidationFailed, "The request breaks a rule; details name every field that does.", problems);
    }

    /// <summary>What keeps the names of an object's own members from being read; null when nothing does.</summary>
    public static string? NameProblem(JsonElement body)
    {
        var names = new HashSet<string>();
        try
        {
            foreach (var member in body.EnumerateObject())
                if (!names.Add(member.Name)) return "has a name that stands twice in it";
            return null;
        }
        catch (InvalidOperationException)
        {
            return "has a name with half of a surrogate pair in it";
        }
    }

    /// <summary>Half of a surrogate pair is valid JSON and no text; whatever reads it throws.</summary>
    private static bool IsText(JsonElement value)
    {
        try
        {
            return value.GetString() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private void CheckUnknown()
    {
        foreach (var member in body.EnumerateObject())
            if (!_asked.Contains(member.Name)) Wrong<string>(member.Name, "Is not a field of this request.");
        _asked.UnionWith(body.EnumerateObject().Select(member => member.Name));
    }

    /// <summary>The member, unless it is absent, null or of another kind.</summary>
    private JsonElement? Find(string name, JsonValueKind kind, string words, bool required)
    {
        _asked.Add(name);
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            if (required) Wrong<string>(name, "Must be there.");
            return null;
        }

        if (value.ValueKind == kind)
        {
            if (kind != JsonValueKind.String || IsText(value)) return value;
            Wrong<string>(name, "Must be valid Unicode.");
            return null;
        }

        Wrong<string>(name, $"Must be {words}.");
        return null;
    }
}
