using System.Globalization;
using System.Text.Json;
using Webhooks.Dispatcher;

namespace Webhooks.Quickstart;

/// <summary>An event to be published: its type, and its data byte for byte.</summary>
internal sealed record EventLine(string Type, byte[] Data);

/// <summary>Something about the events given to publish is wrong; nothing of them was published.</summary>
internal sealed class BadEventsException(string message) : Exception(message);

/// <summary>Where the events come from: the lines of a file, or orders made up here.</summary>
internal static class EventFile
{
    /// <summary>Reads every line and judges it before anything is published.</summary>
    /// <exception cref="BadEventsException">Names file, line and reason.</exception>
    public static List<EventLine> Read(string path, IWebhookPublisher publisher)
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new BadEventsException($"{path}: cannot be read: {exception.Message}");
        }

        var lines = new List<EventLine>();
        var rest = file.AsMemory();
        if (rest.Span.StartsWith("\uFEFF"u8)) rest = rest[3..];
        for (var number = 1; rest.Length > 0; number++)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (line.Span.Trim(" \t\r"u8).IsEmpty) continue;
            try
            {
                var read = Parse(line);
                publisher.Validate(new EventToPublish(WebhookApplicationId.New(), read.Type, read.Data));
                lines.Add(read);
            }
            catch (Exception exception) when (exception is JsonException or WebhookValidationException or InvalidOperationException)
            {
                throw new BadEventsException($"{path}, line {number}: {Reason(exception)}");
            }
        }

        return lines.Count > 0 ? lines : throw new BadEventsException($"{path}: has no event; each line is {{\"type\":…,\"data\":…}}.");
    }

    /// <summary>Orders, as a shop has them.</summary>
    public static List<EventLine> Generate(int count) =>
        [.. Enumerable.Range(1, count).Select(i => new EventLine(
            (i % 3) switch { 0 => "order.shipped", 1 => "order.placed", _ => "order.paid" },
            JsonSerializer.SerializeToUtf8Bytes(new { order = i, total = (i * 7 % 1000) + 0.95m, currency = "EUR" })))];

    private static EventLine Parse(ReadOnlyMemory<byte> line)
    {
        string? type = null;
        byte[]? data = null;
        var reader = new Utf8JsonReader(line.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("must be an object {\"type\":…,\"data\":…}");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            var begins = (int)reader.TokenStartIndex;
            if (name == "type")
            {
                if (type is not null) throw new JsonException("has \"type\" twice");
                type = reader.TokenType == JsonTokenType.String ? reader.GetString() : throw new JsonException("\"type\" must be a string");
            }

            reader.Skip();
            if (name != "data") continue;
            if (data is not null) throw new JsonException("has \"data\" twice");
            data = line[begins..(int)reader.BytesConsumed].ToArray();
        }

        // Whatever stands behind the object on its line.
        while (reader.Read())
        {
        }

        return new EventLine(type ?? throw new JsonException("has no \"type\""), data ?? throw new JsonException("has no \"data\""));
    }

    private static string Reason(Exception exception) => exception switch
    {
        JsonException { BytePositionInLine: { } at } => string.Create(CultureInfo.InvariantCulture, $"is not JSON at byte {at + 1}: {exception.Message.Split(". LineNumber")[0]}."),
        JsonException => exception.Message + ".",
        InvalidOperationException => "is not UTF-8.",
        _ => exception.Message,
    };
}
