using System.CommandLine;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Growth;

/// <summary>The same load on databases that differ only in how much they have delivered before.</summary>
internal static class GrowthCommand
{
    // Measured: an event of 200 bytes with its delivery, its share of settlements, and all their indexes; and the log that is kept while it is loaded.
    private const long BytesOfEvent = 700;
    private const long BytesBeside = 3L << 30;

    public static Command Create()
    {
        var history = CountList.Option("--history", "Delivered events in the database", least: 1, 100_000, 1_000_000, 10_000_000);
        var events = WholeNumber.Option("--events", "Events of a load", 20_000);
        var endpoints = WholeNumber.Option("--endpoints", "Strict endpoints", 200);
        var rounds = WholeNumber.Option("--rounds", "Loads on each database, in turn", 5);
        var command = new Command("growth", "The same load on a database with 1, 10 and 100 times as much history") { history, events, endpoints, rounds, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
            RunAsync(parsed.GetValue(history)!, parsed.GetValue(events), parsed.GetValue(endpoints), parsed.GetValue(rounds), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int[] sizes, int events, int endpoints, int rounds, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        RequireRoom(server.Postgres.DataDirectory, sizes);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var runs = new List<GrowthRun>();
        foreach (var size in sizes) runs.Add(await GrowthRun.LoadAsync(server, sink, size, endpoints, cancel));
        // The first round warms up; then every round has each of them, the order changing, so that what the machine does meanwhile falls on all.
        for (var round = 0; round <= rounds; round++)
        {
            Report.Progress(round == 0 ? "Warming up:" : $"Round {round} of {rounds}:");
            foreach (var run in round % 2 == 0 ? runs : Enumerable.Reverse(runs)) await run.RunOnceAsync(events, isWarmUp: round == 0, report, cancel);
        }

        foreach (var (run, times) in runs.Skip(1).Select(run => (run, run.History / (double)runs[0].History)))
        {
            var ratios = new Distribution(run.Rates.Zip(runs[0].Rates, (many, few) => many / few));
            report.Add($"ratio_{times:0}x", ratios.Median, $"throughput with {run.History} events of history, against {runs[0].History}, round by round");
            report.Add($"ratio_{times:0}x_min", ratios.Min, "the lowest of the rounds");
            var costs = new Distribution(run.CpuPerEvent.Zip(runs[0].CpuPerEvent, (many, few) => many / few));
            report.Add($"cpu_ratio_{times:0}x", costs.Median, "processor time for an event, of dispatcher, database and sink, against the same");
        }

        foreach (var run in runs)
        {
            report.Add($"per_s_{run.History}", new Distribution(run.Rates).Median, $"delivered and settled a second with {run.History} events of history", 0);
            report.Add($"database_mb_{run.History}", run.DatabaseMegabytes, "its size on the disk", 0);
            run.AddCosts(report, server.CountsStatements);
        }

        report.Add("postgres", await server.DescribeAsync(cancel), "");
    }

    private static void RequireRoom(string folder, int[] sizes)
    {
        var needed = (sizes.Sum(size => (long)size) * BytesOfEvent) + BytesBeside;
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < needed)
            throw new InvalidOperationException($"{needed >> 20} MiB are needed in {folder}, and {free >> 20} MiB are free: load less (--history), or set TMPDIR to a larger disk.");
    }
}
