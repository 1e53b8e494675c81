using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Statistics;

/// <summary>Writes statistics down every so often, and once more at the end, when what delivers has ended: it is added before that, and so stopped after it.</summary>
internal sealed partial class StatisticsWorker(StatisticsWriter writer, IOptions<WebhookDispatcherOptions> options, TimeProvider time, ILogger<StatisticsWorker> logger)
    : BackgroundService
{
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TryAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.Value.Statistics.Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested) await TryAsync(stoppingToken);
        }
    }

    private async Task TryAsync(CancellationToken cancel)
    {
        try
        {
            await writer.RunOnceAsync(cancel);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException && cancel.IsCancellationRequested)
        {
            // The host waits no longer, or has disposed of everything without a stop.
        }
        catch (Exception exception)
        {
            // The database, most likely; what was counted is written the next time.
            LogTrouble(exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Statistics could not be written; trying again", EventName = "StatisticsTrouble")]
    private partial void LogTrouble(Exception exception);
}
