using System.Diagnostics.CodeAnalysis;
using System.Globalization;
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

    /// <summary>Reads one envelope. False with a reason, which never shows the content.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, [NotNullWhen(true)] out Envelope? envelope, [NotNullWhen(false)] out string? error)
    {
        envelope = null;
        error = "it is not UTF-8";
        // The JSON reader itself lets invalid sequences inside strings pass.
        if (!Utf8.IsValid(body)) return false;
        try
        {
            var fields = new Fields();
            error = fields.Read(body);
            if (error is null) envelope = fields.Judge(body.Length, out error);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with half of a surrogate pair, where text is needed.
            error = "it is not JSON";
        }

        return envelope is not null;
    }

    /// <summary>The members of the envelope as they are found.</summary>
    private ref struct Fields
    {
        private string? _id, _type, _timestamp, _endpoint, _numbering;
        private long _epoch, _seq;
        private bool _void, _hasEndpoint, _hasEpoch, _hasSeq, _hasVoid, _hasData;
        private Range _data;

        public string? Read(ReadOnlySpan<byte> body)
        {
            var reader = new Utf8JsonReader(body, JsonOptions);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return "it is not an object";
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                if (ReadMember(ref reader) is { } error) return error;

            // Anything but white space behind the object makes this throw.
            reader.Read();
            return null;
        }

        private string? ReadMember(ref Utf8JsonReader reader)
        {
            if (reader.ValueTextEquals("id"u8)) return Text(ref reader, ref _id, "id");
            if (reader.ValueTextEquals("type"u8)) return Text(ref reader, ref _type, "type");
            if (reader.ValueTextEquals("timestamp"u8)) return Text(ref reader, ref _timestamp, "timestamp");
            // A foreign sender may mean anything by one of these three; by two of them nobody else is likely to mean what we do not.
            if (reader.ValueTextEquals("endpoint"u8)) return Numbering(Flag(ref _hasEndpoint, "endpoint"), Text(ref reader, ref _endpoint, "endpoint"));
            if (reader.ValueTextEquals("epoch"u8)) return Numbering(Flag(ref _hasEpoch, "epoch"), Number(ref reader, ref _epoch, "epoch", int.MaxValue));
            if (reader.ValueTextEquals("seq"u8)) return Numbering(Flag(ref _hasSeq, "seq"), Number(ref reader, ref _seq, "seq", long.MaxValue - 1));
            if (reader.ValueTextEquals("data"u8)) return Flag(ref _hasData, "data") ?? Data(ref reader);
            if (reader.ValueTextEquals("void"u8))
            {
                reader.Read();
                _void = reader.TokenType == JsonTokenType.True;
                if (!_void) reader.Skip();
                return Flag(ref _hasVoid, "void");
            }

            reader.Skip();
            return null;
        }

        /// <summary>Two members of one name would mean one thing here and another elsewhere.</summary>
        private static string? Flag(ref bool seen, string name)
        {
            if (seen) return $"{name} stands in it twice";
            seen = true;
            return null;
        }

        private static string? Text(ref Utf8JsonReader reader, ref string? value, string name)
        {
            reader.Read();
            if (value is not null) return $"{name} stands in it twice";
            if (reader.TokenType == JsonTokenType.String) value = reader.GetString();
            else reader.Skip();
            return null;
        }

        private static string? Number(ref Utf8JsonReader reader, ref long value, string name, long max)
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out value) && value >= 1 && value <= max) return null;
            reader.Skip();
            return $"{name} is not a whole number from 1";
        }

        private string? Numbering(string? twice, string? malformed)
        {
            _numbering ??= twice ?? malformed;
            return null;
        }

        private string? Data(ref Utf8JsonReader reader)
        {
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            _data = start..(int)reader.BytesConsumed;
            return null;
        }

        public readonly Envelope? Judge(int length, out string? error)
        {
            var timestamp = DateTimeOffset.TryParse(_timestamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed)
                ? parsed : (DateTimeOffset?)null;
            var numbered = (_hasEndpoint ? 1 : 0) + (_hasEpoch ? 1 : 0) + (_hasSeq ? 1 : 0);
            if (numbered < 2)
            {
                // A foreign sender, whatever it may mean by one of the three. What it publishes may be the whole body.
                error = null;
                return new Envelope(_id, _type ?? "", timestamp, null, 0, 0, false, _hasData ? _data : ..length);
            }

            error = _numbering is not null ? _numbering
                : string.IsNullOrEmpty(_endpoint) ? "it has no endpoint"
                : !_hasEpoch ? "it has no epoch"
                : !_hasSeq ? "it has no seq"
                : !OptionsRules.IsEndpoint(_endpoint) ? "its endpoint is not 1 to 200 letters, digits, _ and -"
                : string.IsNullOrEmpty(_id) ? "it has no id"
                : string.IsNullOrEmpty(_type) ? "it has no type"
                : timestamp is null ? "it has no timestamp"
                : _void == _hasData ? "it has both data and void, or neither"
                : null;
            return error is not null ? null : new Envelope(_id, _type!, timestamp, _endpoint, (int)_epoch, _seq, _void, _data);
        }
    }
}
