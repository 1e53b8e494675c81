using System.Text;

namespace Webhooks.Dispatcher;

/// <summary>An event that is sent to one endpoint alone, whatever its patterns, to see whether it takes it.</summary>
public sealed record TestEvent
{
    /// <summary>The event type, as <see cref="EventToPublish.Type"/>. Default <c>webhook.test</c>.</summary>
    public string Type { get; init; } = "webhook.test";

    /// <summary>The data: UTF-8 JSON of any shape, as <see cref="EventToPublish.Data"/>. Default <c>{"test":true}</c>.</summary>
    public ReadOnlyMemory<byte> Data { get; init; } = "{\"test\":true}"u8.ToArray();

    /// <summary>Takes JSON text as data.</summary>
    public static TestEvent FromJson(string type, string json) => new() { Type = type, Data = Encoding.UTF8.GetBytes(json) };
}
