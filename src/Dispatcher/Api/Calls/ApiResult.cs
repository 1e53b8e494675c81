using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Webhooks.Dispatcher.Api;

/// <summary>What a call is answered: a status and a JSON body, or none.</summary>
internal sealed record ApiResult(int Status, byte[]? Body)
{
    public static readonly ApiResult NoContent = new(204, null);

    // It is no HTML that is answered. Whoever copies a secret out of an answer, or greps for it, wants its "+", not "\u002B".
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ApiResult Of<T>(T value, JsonTypeInfo<T> type, int status = 200)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, Plain)) JsonSerializer.Serialize(json, value, type);
        return new(status, body.WrittenSpan.ToArray());
    }
}
