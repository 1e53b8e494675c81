using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Epochs;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Secrets;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>Before anything else: the schema is up to date, the epoch is that of this database, the key ring opens, the database's clock is known.</summary>
internal sealed partial class DispatcherStartup(
    Migrator migrator, EpochGuard epochs, KeyRing keyRing, NodeStore nodes, TimeProvider time, IOptions<WebhookDispatcherOptions> options, ILogger<DispatcherStartup> logger)
    : IHostedService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                if (options.Value.MigrateAtStart) await migrator.MigrateAsync(cancellationToken);
                await epochs.OpenAsync(cancellationToken);
                await keyRing.OpenAsync(cancellationToken);
                await nodes.MeasureClockAsync(cancellationToken);
                return;
            }
            catch (NpgsqlException exception) when (exception.IsTransient && time.GetElapsedTime(began) < Patience)
            {
                // The database is often started at the same moment.
                LogWaiting(exception.Message);
                await Task.Delay(Between, time, cancellationToken);
            }
            catch (NpgsqlException exception)
            {
                throw new WebhookSettingsException(nameof(WebhookDispatcherOptions.ConnectionString), $"names a database that cannot be used: {exception.Message}", exception);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Warning, "The database does not answer yet: {Problem}", EventName = "DatabaseNotReady")]
    private partial void LogWaiting(string problem);
}
