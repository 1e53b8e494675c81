using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace Webhooks.Receiver;

/// <summary>
/// Reads envelopes from bytes. The data is not looked into, only measured: its exact bytes are what the handler gets, whatever JSON it is.
/// </summary>
internal static class EnvelopeReader
{
    /// <summary>Data may be nested as deep as its size allows; the reader keeps one bit for each level and does not recurse.</summary>
    public static readonly JsonReaderOptions JsonOptions = new() { MaxDepth = int.MaxValue };

    /// <summary>Reads the envelope of one event. False with a reason, which never shows the content.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, [NotNullWhen(true)] out Envelope? envelope, [NotNullWhen(false)] out string? error)
    {
        if (!TryReadFrame(body, out envelope, out error)) return false;
        if (!envelope.IsBatch) return true;
        (envelope, error) = (null, "it is a batch");
        return false;
    }

    /// <summary>Reads the envelope of one event, or that of a batch, whose data is then the array of its events' envelopes.</summary>
    public static bool TryReadFrame(ReadOnlySpan<byte> body, [NotNullWhen(true)] out Envelope? envelope, [NotNullWhen(false)] out string? error)
    {
        envelope = null;
        error = "it is not UTF-8";
        // The JSON reader itself lets invalid sequences inside strings pass.
        if (!Utf8.IsValid(body)) return false;
        try
        {
            var reader = new Utf8JsonReader(body, JsonOptions);
            reader.Read();
            envelope = ReadNext(ref reader, ..body.Length, out error);
            // Anything but white space behind the object makes this throw.
            if (envelope is not null) reader.Read();
        }
        catch (Exception e) when (IsNoJson(e))
        {
            (envelope, error) = (null, "it is not JSON");
        }

        return envelope is not null;
    }

    /// <summary>Reads the events of a batch, which are slices of its body. Null with a reason, which never shows the content.</summary>
    public static IReadOnlyList<InboxEvent>? ReadBatch(ReadOnlyMemory<byte> body, Envelope frame, DateTimeOffset receivedAt, out string? error)
    {
        var data = body[frame.Data];
        var events = new List<InboxEvent>((int)(frame.LastSeq!.Value - frame.Seq + 1));
        var reader = new Utf8JsonReader(data.Span, JsonOptions);
        reader.Read();
        try
        {
            for (var seq = frame.Seq; reader.Read() && reader.TokenType != JsonTokenType.EndArray; seq++)
            {
                var start = (int)reader.TokenStartIndex;
                var one = ReadNext(ref reader, default, out error);
                error = error is not null ? $"one of its events is not one: {error}"
                    : !one!.IsNumbered ? "one of its events has no number"
                    : one.IsBatch ? "there is a batch in it"
                    : one.Seq != seq || seq > frame.LastSeq ? "its events are not those from seq.from to seq.to, in order"
                    : one.Endpoint != frame.Endpoint || one.Epoch != frame.Epoch ? "one of its events is of another endpoint or epoch"
                    : null;
                if (error is not null) return null;
                events.Add(new InboxEvent(one!.Id!, frame.Endpoint, one.Epoch, seq, data[start..(int)reader.BytesConsumed], receivedAt));
            }
        }
        catch (Exception e) when (IsNoJson(e))
        {
            error = "one of its events is not JSON";
            return null;
        }

        error = events.Count == events.Capacity ? null : "it has fewer events than seq says";
        return error is null ? events : null;
    }

    /// <summary>Reads the value the reader stands at, to its end unless there is an error.</summary>
    /// <param name="reader">Stands at the value.</param>
    /// <param name="whole">What a foreign sender's data is that has no such member.</param>
    /// <param name="error">Why there is none.</param>
    private static Envelope? ReadNext(ref Utf8JsonReader reader, Range whole, out string? error)
    {
        var fields = new EnvelopeFields();
        error = reader.TokenType == JsonTokenType.StartObject ? fields.Read(ref reader) : "it is not an object";
        return error is null ? fields.Judge(whole, out error) : null;
    }

    /// <summary>InvalidOperationException: a string with half of a surrogate pair, where text is needed.</summary>
    private static bool IsNoJson(Exception e) => e is JsonException or InvalidOperationException;
}
