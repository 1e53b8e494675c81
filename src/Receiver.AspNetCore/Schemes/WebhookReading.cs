namespace Webhooks.Receiver;

/// <summary>What a scheme found in a verified request.</summary>
public sealed class WebhookReading
{
    private WebhookReading() { }

    internal IReadOnlyList<InboxEvent> Events { get; private init; } = [];

    internal string? Error { get; private init; }

    internal string? Reply { get; private init; }

    /// <summary>One event without a number.</summary>
    /// <param name="id">Its id at the sender, the same on every attempt: 1 to 256 visible ASCII characters.</param>
    /// <param name="type">Its type: 1 to 256 visible ASCII characters.</param>
    /// <param name="request">The request it came in.</param>
    public static WebhookReading Event(string? id, string? type, WebhookRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return !IsName(id) ? Malformed("its id is not 1 to 256 visible characters")
            : !IsName(type) ? Malformed("its type is not 1 to 256 visible characters")
            : Stored([new InboxEvent(id!, null, 0, 0, request.Body, request.ReceivedAt, Type: type)]);
    }

    /// <summary>It is answered 400.</summary>
    /// <param name="reason">Why, for the log; never what the request holds.</param>
    public static WebhookReading Malformed(string reason) => new() { Error = reason };

    /// <summary>Nothing is stored, and the sender is answered 200 with this text: a challenge that it set.</summary>
    /// <param name="text">The whole body of the answer.</param>
    public static WebhookReading Answer(string text) => new() { Reply = text };

    internal static WebhookReading Stored(IReadOnlyList<InboxEvent> events) => new() { Events = events };

    private static bool IsName(string? name) => name is { Length: > 0 and <= 256 } && !name.AsSpan().ContainsAnyExceptInRange('!', '~');
}
