using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Hosting.Jobs;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>Takes jobs and runs none.</summary>
internal sealed class SilentHost : IHostUnderTest, IDrainJobs
{
    private int _made;

    public int Made => Volatile.Read(ref _made);

    public void AddTo(IWebhookDispatcherBuilder builder, string connectionString)
    {
        builder.UseHost<JobHost>();
        builder.Services.AddSingleton<IDrainJobs>(this);
        builder.Services.Configure<JobHostOptions>(options => options.LostAfter = TimeSpan.FromHours(1));
    }

    public void Enqueue(WebhookEndpointId endpoint) => Interlocked.Increment(ref _made);

    public void Schedule(WebhookEndpointId endpoint, TimeSpan wait) => Interlocked.Increment(ref _made);

    public Task LoseJobsAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
