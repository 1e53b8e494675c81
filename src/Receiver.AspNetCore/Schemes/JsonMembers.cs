using System.Text.Json;
using System.Text.Unicode;

namespace Webhooks.Receiver;

/// <summary>Reads single texts from a JSON body whose whole is somebody else's business.</summary>
internal static class JsonMembers
{
    /// <summary>Whether the bytes are one JSON value in UTF-8.</summary>
    public static bool IsJson(ReadOnlySpan<byte> body) => TryRead(body, [], [], out _);

    /// <summary>Reads texts by name, such as <c>id</c>, or <c>event.type</c> from an object in the object.</summary>
    /// <param name="body">The body.</param>
    /// <param name="paths">The names.</param>
    /// <param name="texts">The text of each; null when it is absent or no text.</param>
    /// <param name="error">What is wrong with the body; it never shows it.</param>
    public static bool TryRead(ReadOnlySpan<byte> body, ReadOnlySpan<string> paths, Span<string?> texts, out string? error)
    {
        texts.Clear();
        error = "it is not UTF-8";
        if (!Utf8.IsValid(body)) return false;
        try
        {
            var reader = new Utf8JsonReader(body, EnvelopeReader.JsonOptions);
            reader.Read();
            error = ReadObject(ref reader, "", paths, texts);
            // Anything but white space behind it makes this throw.
            if (error is null) reader.Read();
        }
        // InvalidOperationException: a string with half of a surrogate pair, where text is needed.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            error = "it is not JSON";
        }

        return error is null;
    }

    private static string? ReadObject(ref Utf8JsonReader reader, string prefix, ReadOnlySpan<string> paths, Span<string?> texts)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (at, isAbove) = Find(ref reader, prefix, paths);
            var name = at >= 0 ? paths[at] : "";
            reader.Read();
            if (isAbove && prefix.Length == 0)
            {
                if (ReadObject(ref reader, name[..(name.IndexOf('.', StringComparison.Ordinal) + 1)], paths, texts) is { } below) return below;
            }
            else if (at >= 0 && !isAbove && reader.TokenType == JsonTokenType.String)
            {
                // Two members of one name would mean one thing here and another elsewhere.
                if (texts[at] is not null) return $"{name} stands in it twice";
                texts[at] = reader.GetString();
            }
            else reader.Skip();
        }

        return null;
    }

    /// <summary>Which path the name at hand is, or begins.</summary>
    private static (int At, bool IsAbove) Find(ref Utf8JsonReader reader, string prefix, ReadOnlySpan<string> paths)
    {
        for (var i = 0; i < paths.Length; i++)
        {
            if (!paths[i].StartsWith(prefix, StringComparison.Ordinal)) continue;
            var rest = paths[i].AsSpan(prefix.Length);
            var dot = rest.IndexOf('.');
            if (reader.ValueTextEquals(dot < 0 ? rest : rest[..dot])) return (i, dot >= 0);
        }

        return (-1, false);
    }
}
