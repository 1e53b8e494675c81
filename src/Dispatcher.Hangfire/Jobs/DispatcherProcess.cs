using Hangfire.Server;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Hosting.Jobs;

namespace Webhooks.Dispatcher.Hangfire.Jobs;

/// <summary>
/// What a Hangfire server runs beside its workers: it hears of commits in any process, numbers, and makes jobs, so that a commit leads to a job within milliseconds
/// though Hangfire's own workers are woken only by their own process. Runs for as long as the server does; of several servers in a process, in one.
/// </summary>
internal sealed partial class DispatcherProcess(
    JobHost host, HangfireJobs jobs, IOptions<WebhookHangfireOptions> options, TimeProvider time, ILogger<DispatcherProcess> logger) : IBackgroundProcess
{
    // The recurring jobs are as easily lost as all that is Hangfire's.
    private static readonly TimeSpan EnterAgain = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(10);

    public void Execute(BackgroundProcessContext context)
    {
        if (host.IsActive)
        {
            if (context.Properties.TryGetValue("Queues", out var queues) && queues is string[] taken && !taken.Contains(options.Value.Queue))
                LogOtherQueues(context.ServerId, options.Value.Queue);
            // The server gives this a thread of its own.
            Task.WhenAll(host.RunAsync(context.StoppingToken), EnterRecurringAsync(context.StoppingToken)).GetAwaiter().GetResult();
        }

        // Called again as soon as it returns: there is nothing more to do in this process.
        context.Wait(Timeout.InfiniteTimeSpan);
    }

    public override string ToString() => "Webhooks dispatcher";

    private async Task EnterRecurringAsync(CancellationToken stop)
    {
        var maintained = false;
        while (!stop.IsCancellationRequested && host.IsActive)
        {
            var wait = EnterAgain;
            try
            {
                await Task.Run(() =>
                {
                    jobs.EnterRecurring();
                    if (!maintained) jobs.MaintainNow();
                    maintained = true;
                }, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception exception)
            {
                LogNotEntered(exception);
                wait = AfterTrouble;
            }

            await Task.Delay(wait, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The recurring jobs of the webhook dispatcher could not be entered; trying again", EventName = "RecurringNotEntered")]
    private partial void LogNotEntered(Exception exception);

    [LoggerMessage(2, LogLevel.Information, "Hangfire server {Server} does not take the queue {Queue} of the webhook dispatcher; another one must", EventName = "OtherQueues")]
    private partial void LogOtherQueues(string server, string queue);
}
