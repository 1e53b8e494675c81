using Webhooks.Testing;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>A database, a receiver, and the host that the processes of a test have.</summary>
internal sealed record ContractStage(string Database, IHostUnderTest Host, ScriptedReceiver Receiver) : IAsyncDisposable
{
    /// <summary>A process that delivers.</summary>
    public Task<ContractPlatform> StartAsync(Action<WebhookDispatcherOptions>? configure = null, bool canBeCut = false) =>
        ContractPlatform.StartAsync(Database, Host, canBeCut, configure);

    /// <summary>A process that does not.</summary>
    public Task<ContractPlatform> StartPublisherAsync() => ContractPlatform.StartAsync(Database, null);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Receiver.DisposeAsync();
    }
}
