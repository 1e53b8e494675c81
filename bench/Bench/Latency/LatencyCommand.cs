using System.CommandLine;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Latency;

/// <summary>
/// How long an event takes on an idle system, from where its commit has returned to the first byte of its body at the receiver. Open loop: each is
/// published at its appointed time, whatever became of the one before.
/// </summary>
internal static class LatencyCommand
{
    private const int WarmUp = 2000;

    public static Command Create()
    {
        var count = WholeNumber.Option("--count", "Single events in each form", 1000);
        var every = WholeNumber.Option("--every", "Milliseconds between two events", 5);
        var command = new Command("latency", "Commit to receipt of single events on an idle system") { count, every, Report.Json };
        command.SetAction((parsed, cancel) =>
            RunAsync(parsed.GetValue(count), TimeSpan.FromMilliseconds(parsed.GetValue(every)), new Report(parsed.GetValue(Report.Json)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(int count, TimeSpan every, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        await using var platform = await BenchPlatform.StartAsync(await server.CreateDatabaseAsync(cancel), cancel);
        await sink.ResetAsync(1, 2 * (WarmUp + count), cancel);
        var run = new LatencyRun(platform, sink, await platform.AddApplicationsAsync(sink.Urls(1), cancel));
        await run.PrepareAsync(cancel);

        Report.Progress("Warming up ...");
        await run.PublishAsync(WarmUp, every / 5, inTransaction: false, cancel);
        await run.PublishAsync(WarmUp, every / 5, inTransaction: true, cancel);
        Report.Progress($"{count} events by group commit, one every {every.TotalMilliseconds} ms ...");
        var alone = await run.PublishAsync(count, every, inTransaction: false, cancel);
        Report.Progress($"{count} events in transactions of their own ...");
        var inTransaction = await run.PublishAsync(count, every, inTransaction: true, cancel);

        var counts = await sink.WaitAsync(run.Published, LatencyRun.Patience, cancel);
        var arrivals = await sink.ArrivalsAsync(cancel);
        report.Require(counts.IsInOrder(run.Published), $"{run.Published} published, but {counts}");
        if (arrivals.AsSpan().Contains(0)) return report.Finish();

        LatencyRun.Add(report, "", "group commit", alone, arrivals);
        LatencyRun.Add(report, "tx_", "own transaction and WakeAsync", inTransaction, arrivals);
        report.Add("fsync_ms", Disk.FsyncMilliseconds(server.Postgres.DataDirectory), "median of writing and syncing 8 KiB here");
        report.Add("events", run.Published, "published = received, in order, the warm-up's included");
        return report.Finish();
    }
}
