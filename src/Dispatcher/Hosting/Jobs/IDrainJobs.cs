namespace Webhooks.Dispatcher.Hosting.Jobs;

/// <summary>
/// Where a host puts the jobs that call <see cref="JobHost.DrainAsync"/>. They are hints: one may be lost, run twice or at the same time as its double, be broken off in the middle
/// or begin late. Throws when it cannot take a job; that is tried again.
/// </summary>
internal interface IDrainJobs
{
    /// <summary>Makes a job that is to run at once.</summary>
    void Enqueue(WebhookEndpointId endpoint);

    /// <summary>Makes a job that is to run in this time.</summary>
    void Schedule(WebhookEndpointId endpoint, TimeSpan wait);
}
