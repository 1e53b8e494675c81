using System.Globalization;
using System.Text;

namespace Webhooks.Conformance.Sending;

/// <summary>An event of the suite's stream, with the exact bytes of its envelope.</summary>
internal sealed record SentEvent(string Id, long Seq, byte[] Body)
{
    public const string Type = "conformance.event";

    /// <summary>Builds the envelope around data that is passed through byte for byte.</summary>
    public static SentEvent Build(string id, string endpoint, long seq, string data) =>
        new(id, seq, Envelope(id, endpoint, seq.ToString(CultureInfo.InvariantCulture), $"\"data\":{data}", Type));

    /// <summary>Builds one whose data was expunged.</summary>
    public static SentEvent BuildVoid(string id, string endpoint, long seq) =>
        new(id, seq, Envelope(id, endpoint, seq.ToString(CultureInfo.InvariantCulture), "\"void\":true,\"reason\":\"expunged\"", Type));

    /// <summary>Builds a batch around consecutive events.</summary>
    public static SentEvent BuildBatch(string id, string endpoint, IReadOnlyList<SentEvent> events) =>
        new(id, events[0].Seq, Envelope(
            id, endpoint, string.Create(CultureInfo.InvariantCulture, $"{{\"from\":{events[0].Seq},\"to\":{events[^1].Seq}}}"),
            $"\"data\":[{string.Join(',', events.Select(one => Encoding.UTF8.GetString(one.Body)))}]", "webhooks.batch"));

    private static byte[] Envelope(string id, string endpoint, string seq, string rest, string type) => Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{id}}","type":"{{type}}","timestamp":"{{DateTime.UtcNow:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","endpoint":"{{endpoint}}","epoch":1,"seq":{{seq}},{{rest}}}"""));
}
