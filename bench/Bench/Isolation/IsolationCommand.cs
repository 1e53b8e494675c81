using System.CommandLine;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Isolation;

/// <summary>What is published while some endpoints do not answer.</summary>
/// <param name="Endpoints">Strict endpoints, of which one is black-holed; the others are those that are looked at.</param>
/// <param name="Rate">Events a second to all of them; each of those that do not answer gets its share on top.</param>
/// <param name="Seconds">The length of a stage.</param>
internal sealed record IsolationPlan(int Endpoints, int Rate, int Seconds)
{
    public int EventsOfEndpoint => Math.Max(1, Rate * Seconds / Endpoints);
}

/// <summary>What endpoints that take a request and never answer it cost the others. Open loop, from the appointed time to the receipt.</summary>
internal static class IsolationCommand
{
    public static Command Create()
    {
        var endpoints = WholeNumber.Option("--endpoints", "Strict endpoints", 200);
        var holes = CountList.Option("--holes", "How many endpoints do not answer; beyond one they are others than those", least: 1, 1, 50, 300);
        var rate = WholeNumber.Option("--rate", "Events a second to the endpoints together", 400);
        var seconds = WholeNumber.Option("--seconds", "Seconds of each stage", 15);
        var rounds = WholeNumber.Option("--rounds", "Rounds of which the medians are taken", 3);
        var command = new Command("isolation", "One of 200 endpoints black-holed, and more: the others' p99 before and meanwhile") { endpoints, holes, rate, seconds, rounds, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report => RunAsync(
            parsed.GetValue(holes)!, new IsolationPlan(parsed.GetValue(endpoints), parsed.GetValue(rate), parsed.GetValue(seconds)), parsed.GetValue(rounds), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int[] holes, IsolationPlan plan, int rounds, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        await using var run = await IsolationRun.StartAsync(server, sink, holes, plan, rounds, cancel);
        Report.Progress("Warming up ...");
        await run.StageAsync(0, cancel);
        await run.Stage.BeginAsync(cancel);
        var (calm, pairs) = (new List<Latencies>(), holes.ToDictionary(count => count, _ => new List<(Latencies Before, Latencies Meanwhile)>()));
        for (var round = 1; round <= rounds; round++)
        {
            Report.Progress($"Round {round} of {rounds}:");
            foreach (var count in holes)
            {
                // Just before, and meanwhile: a machine is not as fast in one minute as in the next.
                var before = await SayAsync(0);
                var meanwhile = await SayAsync(count);
                calm.Add(before);
                pairs[count].Add((before, meanwhile));
            }
        }

        await run.BalanceAsync(report, server.CountsStatements, cancel);
        foreach (var count in holes)
        {
            var suffix = count == 1 ? "" : $"_{count}";
            report.Add("p99_ratio" + suffix, Ratio(one => one.P99), $"p99 of the others while {count} do not answer, against just before");
            report.Add("p99_ratio_steady" + suffix, Ratio(one => one.SteadyP99), "the same without the first three seconds, in which the requests that hang are not known as slow yet");
            report.Add("p50_ms_with" + suffix, Meanwhile(one => one.P50), "from the appointed time to the receipt, meanwhile", 2);
            report.Add("p99_ms_with" + suffix, Meanwhile(one => one.P99), "", 2);

            double Ratio(Func<Latencies, double> of) => new Distribution(pairs[count].Select(pair => of(pair.Meanwhile) / of(pair.Before))).Median;

            double Meanwhile(Func<Latencies, double> of) => new Distribution(pairs[count].Select(pair => of(pair.Meanwhile))).Median;
        }

        report.Add("p50_ms_before", Calm(one => one.P50), "the same, while all answer", 2);
        report.Add("p99_ms_before", Calm(one => one.P99), "", 2);
        report.Add("p99_ms_before_max", calm.Max(one => one.P99), "the highest of those stages: how much they differ without any cause", 2);
        report.Add("postgres", await server.DescribeAsync(cancel), "");

        async Task<Latencies> SayAsync(int count)
        {
            var one = await run.StageAsync(count, cancel);
            Report.Progress(string.Create(CultureInfo.InvariantCulture, $"  {count,3} do not answer: p50 {one.P50:F1} ms, p99 {one.P99:F1} ms, {one.SteadyP99:F1} ms after the first seconds"));
            return one;
        }

        double Calm(Func<Latencies, double> of) => new Distribution(calm.Select(of)).Median;
    }
}
