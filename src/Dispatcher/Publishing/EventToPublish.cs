using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Webhooks.Dispatcher;

/// <summary>An event that a platform wants its customer to hear of.</summary>
/// <param name="Application">The customer.</param>
/// <param name="Type">The event type: dot-separated parts of letters, digits, underscores and hyphens, such as <c>invoice.paid</c>; at most 256 characters.</param>
/// <param name="Data">What happened: UTF-8 JSON of any shape, delivered byte for byte. At most <c>Publishing:MaxDataBytes</c>, by default 512 KiB.</param>
public sealed record EventToPublish(WebhookApplicationId Application, string Type, ReadOnlyMemory<byte> Data)
{
    /// <summary>
    /// If set, a later event of the application with the same key, within the dedupe window (default 24 hours), goes to no stream: it is kept
    /// and listed as <c>duplicate</c>. At most 256 characters.
    /// </summary>
    public string? DedupeKey { get; init; }

    /// <summary>
    /// The version of its type whose schema the data is held to. Default null: the type's current one. Only for a type that is registered; it is not delivered.
    /// </summary>
    public int? Version { get; init; }

    /// <summary>Whether its type was looked at already, or is the dispatcher's own and nobody's to register.</summary>
    internal bool TypeIsChecked { get; init; }

    /// <summary>The key that published it through the management API; null for the library's own publishes.</summary>
    internal long? ApiKey { get; init; }

    /// <summary>Takes JSON text as data.</summary>
    public static EventToPublish FromJson(WebhookApplicationId application, string type, string json) => new(application, type, Encoding.UTF8.GetBytes(json));

    /// <summary>Takes a value, written by source-generated JSON, as data.</summary>
    public static EventToPublish From<T>(WebhookApplicationId application, string type, T value, JsonTypeInfo<T> typeInfo) =>
        new(application, type, JsonSerializer.SerializeToUtf8Bytes(value, typeInfo));
}
