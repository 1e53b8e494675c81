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
        string? key = null;
        if (published.DedupeKey is { } given && (given.Length is 0 or > MaxDedupeKeyLength || !CanBeStored(given)))
            key = $"Must have 1 to {MaxDedupeKeyLength} characters, no NUL and no half of a surrogate pair; it has {given.Length} characters.";
        Refuse(published.Application == default ? "Required." : null, TypeProblem(published.Type), key, DataProblem(published.Data.Span, maxDataBytes));
    }

    /// <inheritdoc cref="Check(EventToPublish, int)"/>
    public static void Check(TestEvent test, int maxDataBytes) => Refuse(null, TypeProblem(test.Type), null, DataProblem(test.Data.Span, maxDataBytes));

    private static void Refuse(string? application, string? type, string? key, string? data)
    {
        if (application is null && type is null && key is null && data is null) return;
        var errors = new Dictionary<string, string[]>();
        if (application is not null) errors["application"] = [application];
        if (type is not null) errors["type"] = [type];
        if (key is not null) errors["dedupe_key"] = [key];
        if (data is not null) errors["data"] = [data];
        throw new WebhookValidationException(errors);
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

    public static string? DataProblem(ReadOnlySpan<byte> data, int maxBytes)
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
