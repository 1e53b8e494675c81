using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>
/// Brings the schema up to date before anything else starts. A schema that cannot be used stops the start; a database that cannot be reached does not:
/// deliveries are answered 503 until it can.
/// </summary>
internal sealed partial class InboxStart(ReceiverRegistry registry, PostgreSqlInboxes inboxes, ILogger<InboxStart> logger) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        // The registry makes the inboxes.
        _ = registry.Names;
        foreach (var inbox in inboxes.All)
        {
            try
            {
                await inbox.ReadyAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (InboxUnavailableException e)
            {
                LogUnreachable(e);
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(700, LogLevel.Error, "The webhook inbox's database cannot be reached; deliveries are answered 503 until it can")]
    private partial void LogUnreachable(Exception exception);
}
