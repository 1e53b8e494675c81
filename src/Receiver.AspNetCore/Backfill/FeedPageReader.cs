using System.Text.Json;

namespace Webhooks.Receiver;

/// <summary>Reads feed answers from bytes; each event keeps its exact bytes.</summary>
internal static class FeedPageReader
{
    /// <summary>Reads a page or the body of a refusal; null when it is neither.</summary>
    public static FeedPage? Read(ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        try
        {
            return ReadObject(body, now);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static FeedPage? ReadObject(ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        var reader = new Utf8JsonReader(body.Span, EnvelopeReader.JsonOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        var page = new FeedPage();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "endpoint": page = page with { Endpoint = reader.GetString() }; break;
                case "epoch": page = page with { Epoch = reader.GetInt32() }; break;
                case "epoch_start": page = page with { EpochStart = reader.GetInt64() }; break;
                case "floor": page = page with { Floor = reader.GetInt64() }; break;
                case "head": page = page with { Head = reader.GetInt64() }; break;
                case "cursor": page = page with { Cursor = reader.GetInt64() }; break;
                case "status": page = page with { Status = reader.GetString() }; break;
                case "pause_reason": page = page with { PauseReason = reader.GetString() }; break;
                case "has_more": page = page with { HasMore = reader.GetBoolean() }; break;
                case "error" when reader.TokenType == JsonTokenType.StartObject: page = page with { ErrorCode = ReadErrorCode(ref reader) }; break;
                case "data" when reader.TokenType == JsonTokenType.StartArray:
                    if (ReadEvents(ref reader, body, now) is not { } events) return null;
                    page = page with { Events = events };
                    break;
                default: reader.Skip(); break;
            }
        }

        var isSound = page is { Epoch: >= 1, EpochStart: >= 1, Floor: >= 1, Head: >= 0, Cursor: >= 0 } && page.Cursor <= page.Head
            && page.Floor - 1 <= page.Head && page.EpochStart - 1 <= page.Head;
        return isSound ? page : null;
    }

    private static List<InboxEvent>? ReadEvents(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        var events = new List<InboxEvent>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            // A copy: a slice would keep the whole page alive for as long as one of its events waits.
            var item = body[start..(int)reader.BytesConsumed].ToArray();
            if (!EnvelopeReader.TryRead(item, out var envelope, out _) || !envelope.IsNumbered) return null;
            events.Add(new InboxEvent(envelope.Id!, envelope.Endpoint, envelope.Epoch, envelope.Seq, item, now, FromFeed: true));
        }

        return events;
    }

    private static string? ReadErrorCode(ref Utf8JsonReader reader)
    {
        string? code = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isCode = reader.ValueTextEquals("code"u8);
            reader.Read();
            if (isCode && reader.TokenType == JsonTokenType.String) code = reader.GetString();
            else reader.Skip();
        }

        return code;
    }
}
