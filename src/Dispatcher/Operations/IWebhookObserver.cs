namespace Webhooks.Dispatcher;

/// <summary>
/// Is told what happens to endpoints and streams, in order: registered with <c>AddWebhookObserver</c>, in one process at a time of those that register it. How far it has seen is stored, so
/// nothing is missed while no process runs; each event is told at least once.
/// </summary>
public interface IWebhookObserver
{
    /// <summary>Takes one event. When it throws, or takes longer than <c>Operations:ObserverTimeout</c>, the same event is told again later, and those behind it wait.</summary>
    Task ObserveAsync(WebhookOperationalEvent operationalEvent, CancellationToken cancellationToken);
}

/// <summary>Something that happened to an endpoint or its stream, or to the database as a whole.</summary>
public sealed record WebhookOperationalEvent
{
    /// <summary>Its number: grows, with holes, and is the same whenever it is told.</summary>
    public required long Number { get; init; }

    /// <summary>What happened: <c>endpoint.paused</c>, <c>endpoint.resumed</c>, <c>endpoint.secret_rotated</c>, <c>delivery.exhausted</c>, <c>stream.range_expired</c> and the like.</summary>
    public required string Type { get; init; }

    /// <summary>When, by the database's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The application of the endpoint; null for what concerns no single endpoint.</summary>
    public WebhookApplicationId? Application { get; init; }

    /// <summary>The endpoint; null for what concerns none alone.</summary>
    public WebhookEndpointId? Endpoint { get; init; }

    /// <summary>Who did it: <c>dispatcher</c>, <c>operator</c> or <c>receiver</c>.</summary>
    public required string Actor { get; init; }

    /// <summary>More about it: a JSON object, such as a pause's reason and evidence.</summary>
    public required string Details { get; init; }
}
