using System.Text.Json;
using System.Text.Json.Serialization;
using Webhooks.Dispatcher.EventTypes;

namespace Webhooks.Dispatcher.Api;

/// <summary>An event that was taken.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Status">That it was accepted.</param>
/// <param name="Replayed">Whether this is the answer to an earlier request with the same Idempotency-Key.</param>
/// <param name="Deprecated">That its type is going away, and why.</param>
internal sealed record AcceptedEvent(
    string Id, string Status, bool Replayed, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DeprecatedType? Deprecated = null);

/// <summary>A type that can be published still, and should not.</summary>
/// <param name="Since">Since when.</param>
/// <param name="Note">Why, and what to use instead.</param>
internal sealed record DeprecatedType(DateTimeOffset Since, string? Note)
{
    public static DeprecatedType? Of(KnownType? type) => type?.DeprecatedAt is { } since ? new DeprecatedType(since, type.DeprecationNote) : null;
}

/// <summary>Many events, each judged by itself.</summary>
/// <param name="Data">In the order in which they were given.</param>
internal sealed record JudgedEvents(IReadOnlyList<JudgedEvent> Data);

/// <summary>What became of one of many.</summary>
/// <param name="Index">Which of them, from 0.</param>
/// <param name="Status">Whether it was accepted or rejected.</param>
/// <param name="Id">Its id, when it was accepted.</param>
/// <param name="Code">Why it was rejected.</param>
/// <param name="Details">What is wrong with which of its fields, or with its data, by JSON Pointer.</param>
/// <param name="Deprecated">That its type is going away, and why.</param>
internal sealed record JudgedEvent(
    int Index, string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Details = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DeprecatedType? Deprecated = null);

/// <summary>An event in a list, without its data.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its type.</param>
/// <param name="Timestamp">When it was published.</param>
/// <param name="DedupeKey">The key by which a later one would be a duplicate.</param>
/// <param name="DataBytes">How large its data is; 0 when it was expunged.</param>
/// <param name="Void">Whether its data was expunged.</param>
/// <param name="Verdict">Why it is in no stream: unmatched or duplicate; null while it is to be numbered and when it is in one.</param>
internal sealed record ListedEvent(string Id, string Type, DateTimeOffset Timestamp, string? DedupeKey, int DataBytes, bool Void, string? Verdict);

/// <summary>An event, and where it is.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its type.</param>
/// <param name="Timestamp">When it was published.</param>
/// <param name="DedupeKey">The key by which a later one would be a duplicate.</param>
/// <param name="Void">Whether its data was expunged; then there is no data.</param>
/// <param name="Reason">Why it was expunged.</param>
/// <param name="ExpungedAt">When.</param>
/// <param name="Status">pending until it is numbered; then in_streams, unmatched or duplicate.</param>
/// <param name="DuplicateOf">The event whose duplicate it is, if that is still kept.</param>
/// <param name="PublishedBy">The id of the key that published it; null where the platform's own process did.</param>
/// <param name="Streams">The streams it is in, by the age of their endpoints.</param>
/// <param name="MoreStreams">Whether the application has more endpoints than were looked at.</param>
/// <param name="Data">What was published, as it was written.</param>
internal sealed record EventAnswer(
    string Id, string Type, DateTimeOffset Timestamp, string? DedupeKey, bool Void, string? Reason, DateTimeOffset? ExpungedAt, string Status, string? DuplicateOf,
    string? PublishedBy,
    IReadOnlyList<EventStream> Streams, bool MoreStreams,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), JsonConverter(typeof(AsWritten))] byte[]? Data);

/// <summary>An event's place in a stream, and what became of it there.</summary>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Seq">Its number.</param>
/// <param name="Status">pending, held (the endpoint is paused), deferred (it is retried beside the stream), or the outcome it was settled with.</param>
/// <param name="Settled">Whether that is final.</param>
/// <param name="SettledAt">Since when; null where it is not, or not known.</param>
internal sealed record EventStream(string Endpoint, long Seq, string Status, bool Settled, DateTimeOffset? SettledAt);

/// <summary>JSON that was judged when it was stored, written byte for byte.</summary>
internal sealed class AsWritten : JsonConverter<byte[]>
{
    public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Data is only written.");

    public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) => writer.WriteRawValue(value, skipInputValidation: true);
}
