using Microsoft.AspNetCore.Http;

namespace Webhooks.Receiver;

/// <summary>A request as a scheme sees it.</summary>
/// <param name="headers">Its headers.</param>
/// <param name="body">The exact bytes received.</param>
/// <param name="mediaType">The media type, in lower case and without parameters.</param>
/// <param name="receivedAt">When it came.</param>
public sealed class WebhookRequest(IHeaderDictionary headers, ReadOnlyMemory<byte> body, string mediaType, DateTimeOffset receivedAt)
{
    private readonly RequestHead _head;

    internal WebhookRequest(IHeaderDictionary headers, RequestHead head, ReadOnlyMemory<byte> body, DateTimeOffset receivedAt)
        : this(headers, body, head.MediaType, receivedAt) => _head = head;

    /// <summary>The exact bytes received.</summary>
    public ReadOnlyMemory<byte> Body { get; } = body;

    /// <summary>The media type, in lower case and without parameters.</summary>
    public string MediaType { get; } = mediaType;

    /// <summary>When it came.</summary>
    public DateTimeOffset ReceivedAt { get; } = receivedAt;

    /// <summary>The value of a header; empty when it is absent, or there more than once.</summary>
    public string Header(string name)
    {
        for (var i = 0; i < _head.Names?.Count; i++)
            if (ReferenceEquals(_head.Names[i], name)) return _head.Values[i];
        return headers[name] is { Count: 1 } values ? values[0] ?? "" : "";
    }

    internal WebhookRequest With(ReadOnlyMemory<byte> kept) => new(headers, _head, kept, ReceivedAt);
}
