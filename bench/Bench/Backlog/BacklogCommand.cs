using System.CommandLine;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;

namespace Webhooks.Bench.Backlog;

/// <summary>What is measured of a backlog.</summary>
/// <param name="Pairs">Slices of publishing with the events held, each beside one with none held.</param>
/// <param name="Slice">Events in each, at most.</param>
/// <param name="FeedEvents">Events read through the feed, of each stream.</param>
/// <param name="Streams">Streams read side by side.</param>
/// <param name="StrictSeconds">How long the endpoint drains one event a request; the rest of it goes in batches.</param>
internal sealed record BacklogPlan(int Pairs, int Slice, int FeedEvents, int Streams, int StrictSeconds);

/// <summary>An endpoint that is paused while events for it go on: what that costs the publisher, and how it goes when it is resumed.</summary>
internal static class BacklogCommand
{
    public static Command Create()
    {
        var held = CountList.Option("--held", "Events held by the pause", least: 20, 10_000, 100_000, 1_000_000);
        var pairs = WholeNumber.Option("--pairs", "Slices of publishing, each with the events held and with none", 6);
        var slice = WholeNumber.Option("--slice", "Events in a slice, at most; a twentieth of those held where that is less", 20_000);
        var feed = WholeNumber.Option("--feed-events", "Events read through the feed, of each stream", 20_000, least: 0);
        var streams = WholeNumber.Option("--streams", "Streams of the feed read side by side", 8);
        var strict = WholeNumber.Option("--strict-seconds", "How long it drains one event a request, before the rest goes in batches", 30, least: 0);
        var command = new Command("backlog", "A paused endpoint with 10 k, 100 k and 1 M events held: publishing meanwhile, the feed, draining")
        {
            held, pairs, slice, feed, streams, strict, Report.Json,
        };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report => RunAsync(
            parsed.GetValue(held)!,
            new BacklogPlan(parsed.GetValue(pairs), parsed.GetValue(slice), parsed.GetValue(feed), parsed.GetValue(streams), parsed.GetValue(strict)), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int[] sizes, BacklogPlan plan, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        foreach (var held in sizes)
        {
            Report.Progress($"{held} events held:");
            var figures = await BacklogRun.RunAsync(server, sink, held, plan, report, cancel);
            if (held == sizes[^1]) Add("", figures);
            Add($"held_{held}_", figures);
        }

        report.Add("postgres", await server.DescribeAsync(cancel), "");

        void Add(string prefix, BacklogFigures figures)
        {
            report.Add(prefix + "publish_ratio", figures.PublishRatio.Median, "publishing with the events held, against none held, slice by slice");
            report.Add(prefix + "publish_per_s", figures.PublishPerSecond, "single publishes that share commits, with the events held", 0);
            report.Add(prefix + "load_per_s", figures.LoadPerSecond, "published in bulk and numbered, until that many were held", 0);
            report.Add(prefix + "feed_one_stream_per_s", figures.FeedOneStream, "read and verified, one stream at ten requests a second", 0);
            report.Add(prefix + "feed_per_s", figures.Feed, $"read and verified, {plan.Streams} streams side by side", 0);
            report.Add(prefix + "drain_per_s", figures.DrainBatched, "delivered after the resume, in batches of up to 500", 0);
            report.Add(prefix + "drain_strict_per_s", figures.DrainStrict, "delivered after the resume, one event a request", 0);
            StageCosts.Add(report, [(figures.Costs, figures.Drained)], server.CountsStatements, "an event drained", prefix);
        }
    }
}
