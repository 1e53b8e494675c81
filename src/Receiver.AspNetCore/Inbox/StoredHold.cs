using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Webhooks.Receiver;

/// <summary>A hold as text; it is read by people as often as by the program.</summary>
[JsonSerializable(typeof(StreamHold))]
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
internal sealed partial class StoredHold : JsonSerializerContext
{
    [return: NotNullIfNotNull(nameof(hold))]
    public static string? Write(StreamHold? hold) => hold is null ? null : JsonSerializer.Serialize(hold, Default.StreamHold);

    public static StreamHold? Read(string text) => JsonSerializer.Deserialize(text, Default.StreamHold);
}
