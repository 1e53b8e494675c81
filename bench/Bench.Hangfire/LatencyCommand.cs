using System.CommandLine;
using Webhooks.Bench.Latency;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;

namespace Webhooks.Bench.Hangfire;

/// <summary>
/// Commit in one process to receipt from a Hangfire server in another, on an idle system; the same with the in-box worker there. To endpoints at rest, of which each
/// event needs a job, and to one that lingers and needs none.
/// </summary>
internal static class LatencyCommand
{
    private const int WarmUp = 60;

    public static Command Create()
    {
        var count = WholeNumber.Option("--count", "Single events in each form", 200);
        var every = WholeNumber.Option("--every", "Milliseconds between two events", 50);
        var command = new Command("latency", "Commit in another process to receipt of single events on an idle system") { count, every, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
            RunAsync(parsed.GetValue(count), TimeSpan.FromMilliseconds(parsed.GetValue(every)), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int count, TimeSpan every, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        foreach (var hosted in new[] { true, false })
        {
            var prefix = hosted ? "hangfire_" : "inbox_";
            Report.Progress(hosted ? "A Hangfire server in another process:" : "The in-box worker in another process:");
            await AtRestAsync(hosted, prefix);
            await LingeringAsync(hosted, prefix + "lingering_");
        }

        report.Add("fsync_ms", Disk.FsyncMilliseconds(server.Postgres.DataDirectory), "median of writing and syncing 8 KiB here");
        report.Add("hangfire", HangfireServers.Settings, "");

        // Each event is the first of its endpoint: nobody has it, so a job is made for each.
        Task AtRestAsync(bool hosted, string prefix) => MeasureAsync(hosted, 2 * (WarmUp + count), async (run, arrivals) =>
        {
            Report.Progress($"  {count} events to endpoints at rest, one every {every.TotalMilliseconds} ms, and as many in transactions of their own ...");
            await run.PublishAsync(WarmUp, every, inTransaction: false, cancel);
            await run.PublishAsync(WarmUp, every, inTransaction: true, cancel);
            var alone = await run.PublishAsync(count, every, inTransaction: false, cancel);
            var inTransaction = await run.PublishAsync(count, every, inTransaction: true, cancel);
            var times = await arrivals();
            LatencyRun.Add(report, prefix, "endpoint at rest, group commit in another process", alone, times);
            LatencyRun.Add(report, prefix + "tx_", "endpoint at rest, own transaction and WakeAsync in another process", inTransaction, times);
        });

        Task LingeringAsync(bool hosted, string prefix) => MeasureAsync(hosted, 1, async (run, arrivals) =>
        {
            Report.Progress($"  {count} events to one that is sent to all the time ...");
            await run.PublishAsync(WarmUp, every, inTransaction: false, cancel);
            var moments = await run.PublishAsync(count, every, inTransaction: false, cancel);
            LatencyRun.Add(report, prefix, "endpoint that lingers, group commit in another process", moments, await arrivals());
        });

        async Task MeasureAsync(bool hosted, int endpoints, Func<LatencyRun, Func<Task<long[]>>, Task> measure)
        {
            var connectionString = await server.CreateDatabaseAsync(cancel);
            await using var platform = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel);
            var applications = await platform.AddApplicationsAsync(sink.Urls(endpoints), cancel);
            await sink.ResetAsync(endpoints, 2 * (WarmUp + count), cancel);
            await using var node = await NodeProcess.StartAsync(new NodeSettings(connectionString, OtherHost: hosted), cancel);
            while (await platform.CountAsync("SELECT count(*) FROM webhooks.stream WHERE NOT matching", cancel) > 0) await Task.Delay(50, cancel);
            var run = new LatencyRun(platform, sink, applications);
            await run.PrepareAsync(cancel);
            await measure(run, async () =>
            {
                var counts = await sink.WaitAsync(run.Published, LatencyRun.Patience, cancel);
                report.Require(counts.IsInOrder(run.Published), $"{run.Published} published, but {counts}");
                return await sink.ArrivalsAsync(cancel);
            });
        }
    }
}
