using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hangfire;
using Hangfire.Common;
using Hangfire.States;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Throughput;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Hangfire;

/// <summary>What a run gave.</summary>
internal sealed record JobPerMessageFigures(int Messages, TimeSpan Enqueued, TimeSpan Elapsed, long Succeeded, SinkCounts Sink, CpuUse Cpu)
{
    public double PerSecond => Messages / Elapsed.TotalSeconds;

    public double EnqueuedPerSecond => Messages / Enqueued.TotalSeconds;

    public bool IsBalanced => Succeeded == Messages && Sink.IsComplete(Messages);
}

/// <summary>
/// What a platform with Hangfire begins with: each message is a job that signs and posts it. No order, no numbers, no evidence. In its favour: several producers have
/// put all jobs into the queue before the time begins, so that enqueueing costs it nothing; there are no filters; the time ends with the last message at the sink.
/// </summary>
internal sealed class JobPerMessage(SignedPoster poster)
{
    /// <summary>Of 20 and 50, the better on two cores.</summary>
    public const int BestWorkers = 20;

    public const int Producers = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static string Settings(int workers) => string.Create(CultureInfo.InvariantCulture,
        $"{workers} workers, {Producers} producers, all enqueued before the time begins, no global filters, sliding invisibility, ")
        + "connections with MaxAutoPrepare and without reset on close, one process for client and server";

    /// <summary>The job.</summary>
    public Task PostAsync(string url, string id, string body) => poster.PostAsync(new Uri(url), id, Encoding.UTF8.GetBytes(body), CancellationToken.None);

    public static async Task<JobPerMessageFigures> RunAsync(BenchServer server, SinkProcess sink, int workers, int endpoints, int messages, CancellationToken cancel)
    {
        var connectionString = await server.CreateDatabaseAsync(cancel);
        var storage = HangfireServers.Storage(connectionString);
        await sink.ResetAsync(endpoints, messages, cancel);
        // What the last server logged to has ended with it, and Hangfire keeps it in a static field.
        GlobalConfiguration.Configuration.UseNoOpLogProvider();
        using var poster = new SignedPoster();
        var filters = new JobFilterProviderCollection();
        var client = new BackgroundJobClient(storage, filters);
        var urls = sink.Urls(endpoints);

        var began = Stopwatch.GetTimestamp();
        Parallel.For(0, messages, new ParallelOptions { MaxDegreeOfParallelism = Producers, CancellationToken = cancel }, Enqueue);
        var enqueued = Stopwatch.GetElapsedTime(began);

        var cpuBefore = Cpu();
        began = Stopwatch.GetTimestamp();
        SinkCounts counts;
        TimeSpan elapsed;
        CpuUse cpu;
        using (new BackgroundJobServer(new BackgroundJobServerOptions { WorkerCount = workers, FilterProvider = filters, Activator = new PosterActivator(poster) }, storage))
        {
            counts = await sink.WaitAsync(messages, Patience, cancel);
            elapsed = Stopwatch.GetElapsedTime(began);
            cpu = Cpu() - cpuBefore;
        }

        return new JobPerMessageFigures(messages, enqueued, elapsed, await SucceededAsync(), counts, cpu);

        CpuUse Cpu() => CpuUse.Read(Environment.ProcessId, server.Postgres.ProcessId, sink.ProcessId);

        void Enqueue(int n)
        {
            var id = WebhookEventId.New().Value;
            var (url, body) = (urls[n % endpoints].ToString(), Encoding.UTF8.GetString(Payload.Envelope(id, $"ep_{n % endpoints}", (n / endpoints) + 1, n)));
            client.Create(Job.FromExpression<JobPerMessage>(job => job.PostAsync(url, id, body)), new EnqueuedState());
        }

        async Task<long> SucceededAsync()
        {
            await using var data = NpgsqlDataSource.Create(connectionString);
            await using var command = data.CreateCommand("SELECT count(*) FROM hangfire.job WHERE statename = 'Succeeded'");
            return (long)(await command.ExecuteScalarAsync(cancel))!;
        }
    }

    private sealed class PosterActivator(SignedPoster poster) : JobActivator
    {
        public override object ActivateJob(Type jobType) => new JobPerMessage(poster);
    }
}
