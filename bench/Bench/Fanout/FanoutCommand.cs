using System.CommandLine;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;

namespace Webhooks.Bench.Fanout;

/// <summary>One event to many endpoints of one application: how fast its numbers are given, and how fast it reaches all of them.</summary>
internal static class FanoutCommand
{
    private const int MostEvents = 10_000;

    public static Command Create()
    {
        var widths = CountList.Option("--widths", "Endpoints that each event goes to", least: 1, 1, 100, 1000, 10_000);
        var deliveries = WholeNumber.Option("--deliveries", "Deliveries at each width, in at most 10,000 events", 100_000);
        var runs = WholeNumber.Option("--runs", "Runs of which the medians are taken", 3);
        var profile = new Option<bool>("--profile") { Description = "Print which statements take the server's time" };
        var command = new Command("fanout", "One event to 1, 100, 1,000 and 10,000 endpoints: numbers given and deliveries made per second") { widths, deliveries, runs, profile, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
            RunAsync(parsed.GetValue(widths)!, parsed.GetValue(deliveries), parsed.GetValue(runs), parsed.GetValue(profile), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int[] widths, int deliveries, int runs, bool profile, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var figures = widths.ToDictionary(width => width, _ => new List<FanoutFigures>());
        for (var run = 1; run <= runs; run++)
        {
            foreach (var width in widths)
            {
                var events = Math.Clamp(deliveries / width, 1, MostEvents);
                Report.Progress($"Run {run} of {runs}: {events} events to {width} endpoints ...");
                var one = await FanoutRun.RunAsync(server, sink, width, events, profile, cancel);
                report.Require(one.Numbered == one.Deliveries && one.Settled == one.Deliveries && one.Sink.IsInOrder(one.Deliveries),
                    $"{width} endpoints: {one.Deliveries} deliveries due, {one.Numbered} numbered, {one.Settled} settled, sink {one.Sink}");
                Report.Progress(string.Create(CultureInfo.InvariantCulture,
                    $"  {one.NumberedPerSecond:F0} numbered/s, {one.DeliveredPerSecond:F0} delivered/s; CPU for a delivery: dispatcher {Cpu(one, cpu => cpu.Sender):F0} us, database {Cpu(one, cpu => cpu.Server):F0} us, sink {Cpu(one, cpu => cpu.Sink):F0} us"));
                figures[width].Add(one);
            }
        }

        report.Add("sequenced_per_s", Median(widths[^1], one => one.NumberedPerSecond), $"numbers given a second, an event to {widths[^1]} endpoints", 0);
        foreach (var width in widths)
        {
            report.Add($"sequenced_per_s_{width}", Median(width, one => one.NumberedPerSecond), $"an event to {width} endpoints: from the commit of the events to that of the last number", 0);
            report.Add($"delivered_per_s_{width}", Median(width, one => one.DeliveredPerSecond), "from the same commit to the last settle", 0);
            StageCosts.Add(report, figures[width].ConvertAll(one => (one.Costs, one.Flow)), server.CountsStatements, "a delivery", $"fanout_{width}_");
        }

        report.Add("postgres", await server.DescribeAsync(cancel), "");

        static double Cpu(FanoutFigures one, Func<CpuUse, double> part) => part(one.Costs.Cpu) / one.Flow * 1e6;

        double Median(int width, Func<FanoutFigures, double> figure) => new Distribution(figures[width].Select(figure)).Median;
    }
}
