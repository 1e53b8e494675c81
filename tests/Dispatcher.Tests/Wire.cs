using System.Text.Json;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests;

/// <summary>Reads what went over the wire.</summary>
internal static class Wire
{
    public static long Seq(CapturedRequest request)
    {
        using var envelope = JsonDocument.Parse(request.Body);
        return envelope.RootElement.GetProperty("seq").GetInt64();
    }

    public static JsonElement Envelope(CapturedRequest request) => JsonElement.Parse(request.Body.Span);
}
