using System.Globalization;
using System.Text.Json;

namespace Webhooks.Receiver;

/// <summary>The members of one envelope as they are found, and what they come to.</summary>
internal ref struct EnvelopeFields
{
    private const long MaxSeq = long.MaxValue - 1;

    private string? _id, _type, _timestamp, _endpoint, _numbering;
    private long _epoch, _seq, _last;
    private DateTimeOffset? _utc;
    private bool _void, _isBatch, _isArray, _hasEndpoint, _hasEpoch, _hasSeq, _hasVoid, _hasData;
    private Range _data;

    /// <summary>Reads the object the reader stands at. Null, or what makes it none.</summary>
    public string? Read(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            if (ReadMember(ref reader) is { } error) return error;
        return null;
    }

    /// <summary>Gives the envelope.</summary>
    /// <param name="whole">What a foreign sender's data is that has no such member.</param>
    /// <param name="error">Why there is none.</param>
    public readonly Envelope? Judge(Range whole, out string? error)
    {
        var timestamp = _utc
            ?? (DateTimeOffset.TryParse(_timestamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) ? parsed : null);
        var numbered = (_hasEndpoint ? 1 : 0) + (_hasEpoch ? 1 : 0) + (_hasSeq ? 1 : 0);
        if (numbered < 2)
        {
            // A foreign sender, whatever it may mean by one of the three. What it publishes may be the whole body.
            error = null;
            return new Envelope(_id, _type ?? "", timestamp, null, 0, 0, false, _hasData ? _data : whole);
        }

        error = _numbering is not null ? _numbering
            : string.IsNullOrEmpty(_endpoint) ? "it has no endpoint"
            : !_hasEpoch ? "it has no epoch"
            : !_hasSeq ? "it has no seq"
            : !OptionsRules.IsEndpoint(_endpoint) ? "its endpoint is not 1 to 200 letters, digits, _ and -"
            : string.IsNullOrEmpty(_id) ? "it has no id"
            : string.IsNullOrEmpty(_type) ? "it has no type"
            : timestamp is null ? "it has no timestamp"
            : _isBatch && (_void || !_isArray) ? "it is a batch, and its data no array"
            : _void == _hasData ? "it has both data and void, or neither"
            : null;
        return error is not null ? null : new Envelope(_id, _type!, timestamp, _endpoint, (int)_epoch, _seq, _void, _data, _isBatch ? _last : null);
    }

    private string? ReadMember(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("id"u8)) return Text(ref reader, ref _id, "id");
        if (reader.ValueTextEquals("type"u8)) return Text(ref reader, ref _type, "type");
        if (reader.ValueTextEquals("timestamp"u8)) return Timestamp(ref reader);
        // A foreign sender may mean anything by one of these three; by two of them nobody else is likely to mean what we do not.
        if (reader.ValueTextEquals("endpoint"u8)) return Numbering(Flag(ref _hasEndpoint, "endpoint"), Text(ref reader, ref _endpoint, "endpoint"));
        if (reader.ValueTextEquals("epoch"u8)) return Numbering(Flag(ref _hasEpoch, "epoch"), Number(ref reader, ref _epoch, "epoch", int.MaxValue));
        if (reader.ValueTextEquals("seq"u8)) return Numbering(Flag(ref _hasSeq, "seq"), Seq(ref reader));
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

    /// <summary>As our own dispatcher and most others write it, it is read from the bytes; whatever else it may be, as text.</summary>
    private string? Timestamp(ref Utf8JsonReader reader)
    {
        var ahead = reader;
        ahead.Read();
        if (_timestamp is not null || _utc is not null || ahead.TokenType != JsonTokenType.String || !ahead.ValueSpan.EndsWith("Z"u8)
            || !ahead.TryGetDateTimeOffset(out var utc))
            return _utc is null ? Text(ref reader, ref _timestamp, "timestamp") : "timestamp stands in it twice";
        reader = ahead;
        _utc = utc;
        return null;
    }

    private static string? Number(ref Utf8JsonReader reader, ref long value, string name, long max)
    {
        reader.Read();
        return NumberHere(ref reader, ref value, name, max);
    }

    private static string? NumberHere(ref Utf8JsonReader reader, ref long value, string name, long max)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out value) && value >= 1 && value <= max) return null;
        reader.Skip();
        return $"{name} is not a whole number from 1";
    }

    /// <summary>A number; or, of a batch, from and to.</summary>
    private string? Seq(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) return NumberHere(ref reader, ref _seq, "seq", MaxSeq);
        _isBatch = true;
        var (hasFrom, hasTo) = (false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("from"u8)) Numbering(Flag(ref hasFrom, "seq.from"), Number(ref reader, ref _seq, "seq.from", MaxSeq));
            else if (reader.ValueTextEquals("to"u8)) Numbering(Flag(ref hasTo, "seq.to"), Number(ref reader, ref _last, "seq.to", MaxSeq));
            else reader.Skip();
        }

        return !hasFrom || !hasTo ? "seq lacks from or to"
            : _numbering is not null ? null
            : _last < _seq ? "seq.to lies before seq.from"
            : _last - _seq >= Envelope.MaxBatch ? $"it is a batch of more than {Envelope.MaxBatch} events"
            : null;
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
        _isArray = reader.TokenType == JsonTokenType.StartArray;
        reader.Skip();
        _data = start..(int)reader.BytesConsumed;
        return null;
    }
}
