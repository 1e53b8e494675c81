using System.Text.Json;

namespace Webhooks.Receiver;

/// <summary>Calls a handler with an event, in the scope of the context.</summary>
internal delegate Task HandlerCall(WebhookEvent webhookEvent, WebhookHandlerContext context, CancellationToken cancellationToken);

/// <summary>Who handles which type. Filled while services are registered, read afterwards.</summary>
internal sealed class HandlerTable
{
    private readonly Dictionary<string, HandlerCall> _calls = new(StringComparer.Ordinal);
    private HandlerCall? _fallback;

    public void Add(string type, HandlerCall call)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        if (!_calls.TryAdd(type, call)) throw new InvalidOperationException($"The event type \"{type}\" has a handler already.");
    }

    public void SetFallback(HandlerCall call) =>
        _fallback = _fallback is null ? call : throw new InvalidOperationException("There is a fallback handler already.");

    public HandlerCall? Find(string type) => _calls.GetValueOrDefault(type, _fallback!);

    /// <summary>A type as a metric tag: only registered ones, for a sender could invent any number of others.</summary>
    public string Tag(string type) => _calls.ContainsKey(type) ? type : "other";

    /// <summary>A call that reads the data first. Data that does not fit is the handler's failure.</summary>
    public static HandlerCall Typed<T>(Func<ReadOnlyMemory<byte>, T?> read, Func<WebhookEvent<T>, WebhookHandlerContext, CancellationToken, Task> handle) =>
        (webhookEvent, context, cancellationToken) =>
        {
            var payload = read(webhookEvent.Data) ?? throw new JsonException($"The data is null, and not a {typeof(T).Name}.");
            return handle(webhookEvent.With(payload), context, cancellationToken);
        };
}
