using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Operations;

/// <summary>Tells the observers of this process, and publishes to the operations application.</summary>
internal sealed partial class ObserverWorker(
    IEnumerable<ObserverRegistration> registrations, OperationsLog log, OperationsWebhooks webhooks, WebhookDatabase database, IServiceScopeFactory scopes, Wake wake,
    IOptions<WebhookDispatcherOptions> options, TimeProvider time, ILogger<ObserverWorker> logger) : BackgroundService
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var loops = registrations
            .Select(one => new Observation(one, log, database, scopes, options, time, logger))
            .Select(one => LoopAsync(one.RunOnceAsync, one.ReleaseAsync, stoppingToken)).ToList();
        // Whoever delivers publishes them; others only publish what they are asked to.
        if (webhooks.IsConfigured && options.Value.RunWorker) loops.Add(LoopAsync(webhooks.RunOnceAsync, webhooks.ReleaseAsync, stoppingToken));
        return Task.WhenAll(loops);
    }

    private async Task LoopAsync(Func<CancellationToken, Task<ObservedEvents>> runOnceAsync, Func<Task> releaseAsync, CancellationToken stop)
    {
        var news = new Signal(time);
        void Set(long endpoint) => news.Set();
        wake.EndpointChanged += Set;
        var retry = FirstRetry;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var wait = options.Value.Operations.PollInterval;
                try
                {
                    var round = await runOnceAsync(stop);
                    if (round.More) continue;
                    (wait, retry) = round.Failed ? (retry, Longer(retry)) : (wait, FirstRetry);
                    if (round.Failed) await Task.Delay(wait, time, stop);
                    else await news.WaitAsync(wait, stop);
                }
                catch (Exception exception) when (!stop.IsCancellationRequested)
                {
                    LogTrouble(exception);
                    await Task.Delay(retry, time, stop);
                    retry = Longer(retry);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException && stop.IsCancellationRequested)
        {
            // The end.
        }
        finally
        {
            wake.EndpointChanged -= Set;
            await TryReleaseAsync(releaseAsync);
        }
    }

    private static TimeSpan Longer(TimeSpan retry) => retry * 2 < LongestRetry ? retry * 2 : LongestRetry;

    /// <summary>Who comes next would wait for the end of the lease, and no longer.</summary>
    private async Task TryReleaseAsync(Func<Task> releaseAsync)
    {
        try
        {
            await releaseAsync();
        }
        catch (ObjectDisposedException)
        {
            // A host whose start fails disposes of everything at once; the lease ends by itself.
        }
        catch (Exception exception)
        {
            LogTrouble(exception);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Trouble with operational events; trying again", EventName = "ObserverTrouble")]
    private partial void LogTrouble(Exception exception);
}
