namespace Webhooks.Receiver;

/// <summary>An event as it was published, verified and stored.</summary>
public class WebhookEvent
{
    /// <summary>The source it came from.</summary>
    public required string Source { get; init; }

    /// <summary>Its id, the same on every attempt: the idempotency key for effects outside the handler's transaction.</summary>
    public required string Id { get; init; }

    /// <summary>Its type, such as <c>invoice.paid</c>; empty when a foreign sender stated none.</summary>
    public required string Type { get; init; }

    /// <summary>When it was published.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The endpoint whose stream it belongs to; null from a foreign sender.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The stream's generation; null from a foreign sender.</summary>
    public int? Epoch { get; init; }

    /// <summary>Its number in the stream; null from a foreign sender.</summary>
    public long? Seq { get; init; }

    /// <summary>The exact bytes of <c>data</c> as published.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The exact bytes of the whole envelope.</summary>
    public required ReadOnlyMemory<byte> RawBody { get; init; }

    internal WebhookEvent<T> With<T>(T payload) => new()
    {
        Source = Source, Id = Id, Type = Type, Timestamp = Timestamp, Endpoint = Endpoint, Epoch = Epoch, Seq = Seq,
        Data = Data, RawBody = RawBody, Payload = payload,
    };
}

/// <summary>An event with its data read as <typeparamref name="T"/>.</summary>
/// <typeparam name="T">What the data was read as.</typeparam>
public sealed class WebhookEvent<T> : WebhookEvent
{
    /// <summary>The data.</summary>
    public required T Payload { get; init; }
}
