using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Webhooks.Dispatcher.Hosting.Jobs;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>
/// A queue of jobs that several processes share, no better than Hangfire's and worse by chance: a job may vanish, be fetched by two workers at the same moment, be broken off
/// in the middle and
/// run again, or begin late. A server takes no jobs before it has been up for a while.
/// </summary>
internal sealed class ScriptedQueue(int seed) : IHostUnderTest, IDrainJobs
{
    private const int Workers = 4;
    private static readonly TimeSpan LateStart = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMilliseconds(500);

    private readonly Channel<WebhookEndpointId> _jobs = Channel.CreateUnbounded<WebhookEndpointId>();
    private readonly Random _random = new(seed);
    private int _fetched;

    /// <summary>How many jobs were begun.</summary>
    public int Fetched => Volatile.Read(ref _fetched);

    public void AddTo(IWebhookDispatcherBuilder builder, string connectionString)
    {
        builder.UseHost<JobHost>();
        builder.Services.AddSingleton<IDrainJobs>(this);
        builder.Services.Configure<JobHostOptions>(options => (options.DrainBudget, options.LostAfter) = (TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(500)));
        builder.Services.AddHostedService(provider => new Server(this, (JobHost)provider.GetRequiredService<IDispatcherHost>()));
    }

    public void Enqueue(WebhookEndpointId endpoint)
    {
        var chance = Chance();
        if (chance < 0.15) return;
        _jobs.Writer.TryWrite(endpoint);
        if (chance > 0.6) _jobs.Writer.TryWrite(endpoint);
    }

    public void Schedule(WebhookEndpointId endpoint, TimeSpan wait) => _ = ScheduleAsync(endpoint, wait);

    public Task LoseJobsAsync()
    {
        while (_jobs.Reader.TryRead(out _))
        {
            // Gone.
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _jobs.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    private double Chance()
    {
        lock (_random) return _random.NextDouble();
    }

    private async Task ScheduleAsync(WebhookEndpointId endpoint, TimeSpan wait)
    {
        await Task.Delay(wait);
        Enqueue(endpoint);
    }

    private sealed class Server(ScriptedQueue queue, JobHost host) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            try
            {
                // Two servers in one process both run what they are given.
                var processes = Task.WhenAll(host.RunAsync(stoppingToken), host.RunAsync(stoppingToken));
                var maintenance = host.MaintainAsync(stoppingToken);
                await Task.Delay(LateStart, stoppingToken);
                await Task.WhenAll([processes, maintenance, SweepAsync(stoppingToken), .. Enumerable.Range(0, Workers).Select(_ => WorkAsync(stoppingToken))]);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // The end, whatever was under way.
            }
        }

        private async Task WorkAsync(CancellationToken stop)
        {
            await foreach (var endpoint in queue._jobs.Reader.ReadAllAsync(stop))
            {
                Interlocked.Increment(ref queue._fetched);
                using var broken = CancellationTokenSource.CreateLinkedTokenSource(stop);
                var chance = queue.Chance();
                if (chance < 0.2) broken.CancelAfter(TimeSpan.FromMilliseconds(chance * 100));
                try
                {
                    await host.DrainAsync(endpoint, broken.Token);
                }
                catch (Exception) when (!stop.IsCancellationRequested)
                {
                    // Broken off, or the database was not there: fetched again.
                    queue._jobs.Writer.TryWrite(endpoint);
                    await Task.Delay(10, stop);
                }
            }
        }

        private async Task SweepAsync(CancellationToken stop)
        {
            while (true)
            {
                await Task.Delay(SweepEvery, stop);
                try
                {
                    await host.SweepAsync(stop);
                }
                catch (Exception) when (!stop.IsCancellationRequested)
                {
                    // The next one.
                }
            }
        }
    }
}
