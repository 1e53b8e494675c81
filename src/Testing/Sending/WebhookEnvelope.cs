using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Webhooks.Testing;

/// <summary>The body of a delivery, one event or a batch, as the dispatcher writes it.</summary>
public static class WebhookEnvelope
{
    /// <summary>Builds the envelope around data that is passed through byte for byte.</summary>
    /// <param name="id">The event's id.</param>
    /// <param name="type">Its type.</param>
    /// <param name="timestamp">When it was published; written in UTC with milliseconds.</param>
    /// <param name="endpoint">The endpoint's id.</param>
    /// <param name="epoch">The stream's epoch.</param>
    /// <param name="seq">The event's number in the stream.</param>
    /// <param name="dataJson">The data, written as given; it is not checked, so that tests can send what is not JSON.</param>
    public static byte[] Build(string id, string type, DateTimeOffset timestamp, string endpoint, int epoch, long seq, string dataJson) =>
        Frame(id, type, timestamp, endpoint, epoch, Number(seq), $"\"data\":{dataJson}");

    /// <summary>Builds the envelope of an event whose data was expunged.</summary>
    /// <param name="id">The event's id.</param>
    /// <param name="type">Its type.</param>
    /// <param name="timestamp">When it was published; written in UTC with milliseconds.</param>
    /// <param name="endpoint">The endpoint's id.</param>
    /// <param name="epoch">The stream's epoch.</param>
    /// <param name="seq">The event's number in the stream.</param>
    /// <param name="reason">Why it has no data.</param>
    public static byte[] BuildVoid(
        string id, string type, DateTimeOffset timestamp, string endpoint, int epoch, long seq, string reason = "expunged") =>
        Frame(id, type, timestamp, endpoint, epoch, Number(seq), $"\"void\":true,\"reason\":\"{Text(reason)}\"");

    /// <summary>Builds a batch around envelopes that are passed through byte for byte; they are not checked, so that tests can send any.</summary>
    /// <param name="id">The batch's id; see <see cref="BatchId"/>.</param>
    /// <param name="timestamp">When the newest of its events was published; written in UTC with milliseconds.</param>
    /// <param name="endpoint">The endpoint's id.</param>
    /// <param name="epoch">The stream's epoch.</param>
    /// <param name="from">The first number.</param>
    /// <param name="to">The last number.</param>
    /// <param name="envelopes">The envelopes in order.</param>
    public static byte[] BuildBatch(
        string id, DateTimeOffset timestamp, string endpoint, int epoch, long from, long to, IEnumerable<byte[]> envelopes) =>
        Frame(id, "webhooks.batch", timestamp, endpoint, epoch, $"{{\"from\":{Number(from)},\"to\":{Number(to)}}}",
            $"\"data\":[{string.Join(',', envelopes.Select(Encoding.UTF8.GetString))}]");

    /// <summary>The id of a batch, as the dispatcher derives it: another cut of the same events is another id.</summary>
    public static string BatchId(string endpoint, int epoch, long from, long to) =>
        "batch_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{endpoint}\n{epoch}\n{from}\n{to}"))).AsSpan(0, 16));

    private static byte[] Frame(string id, string type, DateTimeOffset timestamp, string endpoint, int epoch, string seq, string rest)
    {
        var time = timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{Text(id)}}","type":"{{Text(type)}}","timestamp":"{{time}}","endpoint":"{{Text(endpoint)}}","epoch":{{epoch}},"seq":{{seq}},{{rest}}}"""));
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static JsonEncodedText Text(string value) => JsonEncodedText.Encode(value);
}
