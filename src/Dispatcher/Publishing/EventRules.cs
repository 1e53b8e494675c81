using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Webhooks.Dispatcher.Publishing;

/// <summary>What an event must be like; pure.</summary>
internal static class EventRules
{
    public const int MaxTypeLength = 256;
    public const int MaxDedupeKeyLength = 256;

    /// <exception cref="WebhookValidationException">Says what is wrong, for every field.</exception>
    public static void Check(EventToPublish published, int maxDataBytes)
    {
        Dictionary<string, string[]>? errors = null;
        if (published.Application == default) Add("application", "Required.");
        if (TypeProblem(published.Type) is { } type) Add("type", type);
        if (published.DedupeKey is { } key && (key.Length is 0 or > MaxDedupeKeyLength || !CanBeStored(key)))
            Add("dedupe_key", $"Must have 1 to {MaxDedupeKeyLength} characters, no NUL and no half of a surrogate pair; it has {key.Length} characters.");
        if (DataProblem(published.Data.Span, maxDataBytes) is { } data) Add("data", data);
        if (errors is not null) throw new WebhookValidationException(errors);

        void Add(string field, string problem) => (errors ??= [])[field] = [problem];
    }

    /// <summary>Whether the type is made of dot-separated parts of <c>[A-Za-z0-9_-]+</c>; null when it is.</summary>
    public static string? TypeProblem(string? type)
    {
        if (string.IsNullOrEmpty(type)) return "Required: dot-separated parts such as invoice.paid.";
        if (type.Length > MaxTypeLength) return $"Must have at most {MaxTypeLength} characters; it has {type.Length}.";
        foreach (var part in type.AsSpan().Split('.'))
        {
            if (part.Start.Value == part.End.Value) return "Must be dot-separated parts without an empty one.";
            if (!IsPart(type.AsSpan(part))) return "Each dot-separated part must consist of letters A-Z a-z, digits, underscores and hyphens.";
        }

        return null;
    }

    public static bool IsPart(ReadOnlySpan<char> part)
    {
        foreach (var c in part)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')) return false;
        return part.Length > 0;
    }

    /// <summary>Whether text fits a column: PostgreSQL takes no NUL, and half a surrogate pair has no UTF-8. What does not fit would fail a whole shared commit.</summary>
    public static bool CanBeStored(string text)
    {
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) != OperationStatus.Done || rune.Value == 0) return false;
            rest = rest[length..];
        }

        return true;
    }

    private static string? DataProblem(ReadOnlySpan<byte> data, int maxBytes)
    {
        if (data.IsEmpty) return "Required: a JSON value.";
        if (data.Length > maxBytes) return $"Must have at most {maxBytes} bytes; it has {data.Length}.";
        // The JSON reader passes over the inside of strings, so malformed UTF-8 there has to be looked for.
        if (!Utf8.IsValid(data)) return $"Must be UTF-8; these {data.Length} bytes are not.";
        try
        {
            // Any depth: the reader does not recurse, and who published deep data wants it delivered.
            var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = int.MaxValue });
            while (reader.Read())
            {
            }

            return null;
        }
        catch (JsonException exception)
        {
            return $"Must be one JSON value; line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1} of it is not JSON.";
        }
    }
}
