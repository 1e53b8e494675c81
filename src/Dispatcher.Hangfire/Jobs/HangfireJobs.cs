using Hangfire;
using Hangfire.Common;
using Hangfire.States;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Hosting.Jobs;

namespace Webhooks.Dispatcher.Hangfire.Jobs;

/// <summary>Puts the jobs into Hangfire's storage.</summary>
internal sealed class HangfireJobs(IServiceProvider services, IOptions<WebhookHangfireOptions> options) : IDrainJobs
{
    private readonly Lazy<(IBackgroundJobClient Client, IRecurringJobManager Recurring)> _hangfire = new(() =>
    {
        // Made when first used: Hangfire is configured by then, and a process that only publishes may do without it.
        var storage = options.Value.Storage ?? services.GetService<JobStorage>() ?? JobStorage.Current;
        return (services.GetRequiredService<IBackgroundJobClientFactory>().GetClient(storage), services.GetRequiredService<IRecurringJobManagerFactory>().GetManager(storage));
    });

    private string Queue => options.Value.Queue;

    public void Enqueue(WebhookEndpointId endpoint) => _hangfire.Value.Client.Create(Drain(endpoint), new EnqueuedState(Queue));

    public void Schedule(WebhookEndpointId endpoint, TimeSpan wait) => _hangfire.Value.Client.Create(Drain(endpoint), new ScheduledState(wait));

    /// <summary>Enters the recurring jobs, or sets them right.</summary>
    public void EnterRecurring()
    {
        var inUtc = new RecurringJobOptions { TimeZone = TimeZoneInfo.Utc };
        var queue = Queue;
        _hangfire.Value.Recurring.AddOrUpdate(
            DispatcherJobs.SweepId, Job.FromExpression<DispatcherJobs>(jobs => jobs.SweepAsync(queue, CancellationToken.None)), options.Value.SweepCron, inUtc);
        _hangfire.Value.Recurring.AddOrUpdate(
            DispatcherJobs.MaintenanceId, Job.FromExpression<DispatcherJobs>(jobs => jobs.MaintainAsync(queue, CancellationToken.None)), options.Value.MaintenanceCron, inUtc);
    }

    /// <summary>Has maintenance done now: a database that was just set up needs its partitions.</summary>
    public void MaintainNow() => _hangfire.Value.Recurring.Trigger(DispatcherJobs.MaintenanceId);

    private Job Drain(WebhookEndpointId endpoint)
    {
        var (id, queue) = (endpoint.Value, Queue);
        return Job.FromExpression<DispatcherJobs>(jobs => jobs.DrainAsync(id, queue, CancellationToken.None));
    }
}
