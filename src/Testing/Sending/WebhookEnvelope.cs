using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Webhooks.Testing;

/// <summary>The body of a delivery, as the dispatcher writes it.</summary>
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
    public static byte[] Build(string id, string type, DateTimeOffset timestamp, string endpoint, int epoch, long seq, string dataJson)
    {
        var time = timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{Text(id)}}","type":"{{Text(type)}}","timestamp":"{{time}}","endpoint":"{{Text(endpoint)}}","epoch":{{epoch}},"seq":{{seq}},"data":{{dataJson}}}"""));
    }

    private static JsonEncodedText Text(string value) => JsonEncodedText.Encode(value);
}
