using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver;

/// <summary>Configures one source of webhooks: where its events are kept, and who handles them.</summary>
public interface IWebhookReceiverBuilder
{
    /// <summary>The source's name: of its options, its feed client and its place in <c>MapWebhookReceiver</c>.</summary>
    string Name { get; }

    /// <summary>The application's services.</summary>
    IServiceCollection Services { get; }
}
