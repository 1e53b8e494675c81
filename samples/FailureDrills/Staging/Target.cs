using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Signing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>An endpoint under drill and the stub behind it.</summary>
/// <param name="Application">Its application, which has no other endpoint.</param>
/// <param name="Id">The endpoint.</param>
/// <param name="Stub">What it calls.</param>
/// <param name="Settings">What it is set to.</param>
/// <param name="Secrets">The secrets it has or had, newest first.</param>
internal sealed record Target(WebhookApplicationId Application, WebhookEndpointId Id, IStub Stub, EndpointSettings Settings, List<WebhookSecret> Secrets)
{
    /// <summary>The ids of the events that were published for it, in order.</summary>
    public List<WebhookEventId> Published { get; } = [];
}
