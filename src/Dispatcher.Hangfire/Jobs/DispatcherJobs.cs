using Hangfire;
using Webhooks.Dispatcher.Hosting.Jobs;

namespace Webhooks.Dispatcher.Hangfire.Jobs;

/// <summary>
/// The jobs as Hangfire's tables name them. None is retried by Hangfire, whatever the application's filters say: what a job did not do is due in the dispatcher's tables, and
/// another is made for it.
/// The queue is an argument so that it is the same when a scheduled or recurring job becomes due.
/// </summary>
[AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete, LogEvents = false)]
[ShortLived]
internal sealed class DispatcherJobs(JobHost host)
{
    public const string SweepId = "webhooks-sweep";
    public const string MaintenanceId = "webhooks-maintenance";

    /// <summary>Sends what an endpoint has; says how that ended, for the dashboard.</summary>
    [Queue("{1}")]
    [JobDisplayName("Webhooks: drain {0}")]
    public async Task<string> DrainAsync(string endpoint, string queue, CancellationToken cancel) =>
        (await host.DrainAsync(WebhookEndpointId.Parse(endpoint), cancel)).ToString();

    /// <summary>Makes jobs for endpoints whose own were lost; says for how many.</summary>
    [Queue("{0}")]
    [JobDisplayName("Webhooks: sweep")]
    public Task<int> SweepAsync(string queue, CancellationToken cancel) => host.SweepAsync(cancel);

    /// <summary>Makes and drops partitions, and gives notice before events expire.</summary>
    [Queue("{0}")]
    [JobDisplayName("Webhooks: maintenance")]
    public Task MaintainAsync(string queue, CancellationToken cancel) => host.MaintainAsync(cancel);
}
