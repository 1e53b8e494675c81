using System.CommandLine;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;

namespace Webhooks.Bench.Nodes;

/// <summary>What each number of processes gets to deliver.</summary>
/// <param name="Endpoints">Strict endpoints, each of an application of its own.</param>
/// <param name="Sends">How many requests one process has under way at a time, at most: with the sink's latency, that is what limits it.</param>
/// <param name="Latency">After which the sink answers.</param>
/// <param name="Seconds">How long a run would take if each process did as much as its requests allow.</param>
internal sealed record NodesPlan(int Endpoints, int Sends, TimeSpan Latency, int Seconds)
{
    /// <summary>What one process cannot exceed, in events a second.</summary>
    public double Ceiling => Sends / Latency.TotalSeconds;
}

/// <summary>Delivered events per second with several dispatcher processes on one database, where each is limited by waiting for answers.</summary>
internal static class NodesCommand
{
    public static Command Create()
    {
        var nodes = CountList.Option("--nodes", "Dispatcher processes", least: 1, 1, 2, 4);
        var endpoints = WholeNumber.Option("--endpoints", "Strict endpoints", 400);
        var sends = WholeNumber.Option("--sends", "Requests that one process has under way at a time (MaxConcurrentSends)", 20);
        var latency = WholeNumber.Option("--latency", "Milliseconds after which the sink answers", 50, least: 0);
        var seconds = WholeNumber.Option("--seconds", "Seconds that a run takes at best", 20);
        var runs = WholeNumber.Option("--runs", "Runs of which the medians are taken", 3);
        var command = new Command("nodes", "1, 2 and 4 dispatcher processes against a sink that answers after 50 ms") { nodes, endpoints, sends, latency, seconds, runs, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report => RunAsync(
            parsed.GetValue(nodes)!,
            new NodesPlan(parsed.GetValue(endpoints), parsed.GetValue(sends), TimeSpan.FromMilliseconds(parsed.GetValue(latency)), parsed.GetValue(seconds)),
            parsed.GetValue(runs), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int[] counts, NodesPlan plan, int runs, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var figures = counts.ToDictionary(nodes => nodes, _ => new List<NodesFigures>());
        for (var run = 1; run <= runs; run++)
        {
            foreach (var nodes in counts)
            {
                Report.Progress($"Run {run} of {runs}: {nodes} processes ...");
                var one = await NodesRun.RunAsync(server, sink, nodes, plan, cancel);
                report.Require(one.Settled == one.Events && one.Sink.IsInOrder(one.Events), $"{nodes} processes: {one.Events} published, {one.Settled} settled, sink {one.Sink}");
                Report.Progress($"  {one.PerSecond:F0}/s; endpoints of each: {string.Join(", ", one.Held)}; sent by each: {string.Join(", ", one.SettledByEach)}");
                figures[nodes].Add(one);
            }
        }

        foreach (var nodes in counts)
        {
            report.Add($"nodes_{nodes}_per_s", Median(nodes, one => one.PerSecond), $"delivered and settled a second by {nodes} processes, from the first publish to the last settle", 0);
            report.Add($"spread_{nodes}", Median(nodes, one => one.Spread), "endpoints of the process that holds least, against an equal share, in the middle of the run", 2);
            report.Add($"share_{nodes}", Median(nodes, one => one.Share), "events settled by the process that settled least, against an equal share", 2);
            StageCosts.Add(report, figures[nodes].ConvertAll(one => (one.Costs, one.Events)), server.CountsStatements, "an event", $"nodes_{nodes}_");
        }

        foreach (var nodes in counts.Skip(1))
        {
            report.Add($"nodes_{nodes}_vs_{counts[0]}", new Distribution(figures[nodes].Zip(figures[counts[0]], (many, few) => many.PerSecond / few.PerSecond)).Median,
                "the ratio, each pair of the same run", 2);
        }

        report.Add("ceiling_per_s", plan.Ceiling, "what one process cannot exceed: its requests under way, divided by the sink's latency", 0);
        report.Add("postgres", await server.DescribeAsync(cancel), "");

        double Median(int nodes, Func<NodesFigures, double> figure) => new Distribution(figures[nodes].Select(figure)).Median;
    }
}
