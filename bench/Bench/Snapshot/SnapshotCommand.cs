using System.CommandLine;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Snapshot;

/// <summary>
/// Whether somebody's long transaction slows delivery: the same steady load before and while two REPEATABLE READ transactions stay open, one that has
/// only read and one that has also written. Whatever they keep from being cleaned up must cost delivery nothing.
/// </summary>
internal static class SnapshotCommand
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var seconds = WholeNumber.Option("--seconds", "How long each phase takes", 60);
        var rate = WholeNumber.Option("--rate", "Events a second", 1000);
        var endpoints = WholeNumber.Option("--endpoints", "Strict endpoints, each of an application of its own", 50);
        var rollback = new Option<double>("--rollback-percent")
        {
            Description = "Beside the load, so many publishes in a hundred are in transactions that roll back and leave their positions empty", DefaultValueFactory = _ => 1,
        };
        var control = new Option<bool>("--control") { Description = "Hold nothing in the second phase either: how far the ratios are from 1 by themselves" };
        var profile = new Option<bool>("--profile") { Description = "Print which statements take the server's time, for each phase" };
        var command = new Command("snapshot", "Delivery under load while old snapshots are held") { seconds, rate, endpoints, rollback, control, profile, Report.Json };
        command.SetAction((parsed, cancel) => RunAsync(
            TimeSpan.FromSeconds(parsed.GetValue(seconds)), new Load(parsed.GetValue(rate), parsed.GetValue(endpoints), parsed.GetValue(rollback) / 100),
            !parsed.GetValue(control), parsed.GetValue(profile), new Report(parsed.GetValue(Report.Json)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan phase, Load load, bool hold, bool profile, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        await using var platform = await BenchPlatform.StartAsync(await server.CreateDatabaseAsync(cancel), cancel);
        var steady = await SteadyLoad.StartAsync(platform, sink, load, WarmUp + phase + phase, cancel);

        Report.Progress($"Warming up for {WarmUp.TotalSeconds} s ...");
        await steady.RunAsync(WarmUp, cancel);
        Report.Progress($"{load.Rate} events/s for {phase.TotalSeconds} s ...");
        var before = await PhaseAsync();
        IReadOnlyList<Published> held;
        await using (var reading = hold ? await HeldSnapshot.OpenAsync(platform, write: false, cancel) : null)
        await using (var writing = hold ? await HeldSnapshot.OpenAsync(platform, write: true, cancel) : null)
        {
            Report.Progress($"The same for {phase.TotalSeconds} s while {(hold ? "two snapshots are" : "nothing is")} held ...");
            held = await PhaseAsync();
        }

        var counts = await sink.WaitAsync(steady.Count, TimeSpan.FromSeconds(60), cancel);
        report.Require(counts.IsInOrder(steady.Count), $"{steady.Count} published, sink {counts}");
        if (counts.Distinct < steady.Count) return report.Finish();
        var arrivals = await sink.ArrivalsAsync(cancel);

        var quarter = held.Count / 4;
        var baseline = Latency(before);
        var first = Latency(held.Take(quarter));
        var last = Latency(held.Skip(held.Count - quarter));
        report.Add("p50_ratio", last.Median / baseline.Median, "last quarter of the held phase against the phase before, commit to receipt");
        report.Add("p99_ratio", last.Percentile(0.99) / baseline.Percentile(0.99), "");
        Add("before_", baseline);
        Add("held_first_", first);
        Add("held_last_", last);
        report.Add("rate", load.Rate, $"events/s to {load.Endpoints} endpoints; {load.RollbackShare:P1} more are rolled back");
        report.Add("snapshots_held", hold ? 2L : 0L, "in the second phase");
        report.Add("seconds", (long)phase.TotalSeconds, "each phase");
        report.Add("events", steady.Count, "published = received, none out of order");
        return report.Finish();

        async Task<IReadOnlyList<Published>> PhaseAsync()
        {
            if (profile) _ = await platform.CountAsync("SELECT count(*) FROM (SELECT pg_stat_statements_reset()) r", cancel);
            var published = await steady.RunAsync(phase, cancel);
            if (profile) await ServerCounters.PrintTopAsync(platform.Data);
            return published;
        }

        Distribution Latency(IEnumerable<Published> published) =>
            new(published.Select(one => Distribution.Milliseconds(one.Committed, arrivals[one.N])));

        void Add(string prefix, Distribution latency)
        {
            report.Add(prefix + "p50_ms", latency.Median, "");
            report.Add(prefix + "p99_ms", latency.Percentile(0.99), "");
        }
    }
}
