using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Tasks;

/// <summary>Does what tasks are due, in every process that delivers.</summary>
internal sealed partial class TaskWorker(WebhookTasks tasks, IOptions<WebhookDispatcherOptions> options, TimeProvider time, ILogger<TaskWorker> logger) : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);

    // A task that waits for room, or that another process made.
    private static readonly TimeSpan WhileBusy = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.RunWorker) return;
        var news = new Signal(time);
        tasks.Created += news.Set;
        var busyUntil = time.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await tasks.RunOnceAsync(stoppingToken))
                {
                    busyUntil = time.GetTimestamp() + (time.TimestampFrequency * (long)PollInterval.TotalSeconds);
                    continue;
                }

                await news.WaitAsync(time.GetTimestamp() < busyUntil ? WhileBusy : PollInterval, stoppingToken);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException && stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                // The database, most likely.
                LogTrouble(exception);
                await Task.Delay(PollInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        tasks.Created -= news.Set;
    }

    [LoggerMessage(1, LogLevel.Error, "Trouble with tasks; trying again", EventName = "TasksTrouble")]
    private partial void LogTrouble(Exception exception);
}
