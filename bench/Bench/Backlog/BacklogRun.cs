using System.Diagnostics;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Backlog;

/// <summary>What a backlog of one size gave.</summary>
internal sealed record BacklogFigures(
    double LoadPerSecond, Distribution PublishRatio, double PublishPerSecond, double FeedOneStream, double Feed, double DrainStrict, double DrainBatched, long Drained,
    StageCosts Costs);

/// <summary>One size of backlog: filled, published beside, read through the feed, drained, and accounted for.</summary>
internal sealed class BacklogRun(Stage stage, Stage empty, PausedPlatform paused, PausedPlatform beside, SinkProcess sink, BacklogPlan plan, Report report)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    public static async Task<BacklogFigures> RunAsync(BenchServer server, SinkProcess sink, int held, BacklogPlan plan, Report report, CancellationToken cancel)
    {
        await sink.ResetAsync(1 + plan.Streams, 0, cancel);
        var (database, emptyDatabase) = (await server.CreateDatabaseAsync(cancel), await server.CreateDatabaseAsync(cancel));
        var paused = await PausedPlatform.SetUpAsync(database, sink, plan.Streams, cancel);
        var beside = await PausedPlatform.SetUpAsync(emptyDatabase, sink, 0, cancel);
        await using var stage = await Stage.StartAsync(server, sink, new NodeSettings(database), 1, cancel);
        await using var empty = await Stage.StartAsync(server, sink, new NodeSettings(emptyDatabase), 1, cancel);
        return await new BacklogRun(stage, empty, paused, beside, sink, plan, report).MeasureAsync(held, cancel);
    }

    private async Task<BacklogFigures> MeasureAsync(int held, CancellationToken cancel)
    {
        Report.Progress("  Filling it ...");
        var began = Stopwatch.GetTimestamp();
        await PublishLoad.InBulkAsync(stage.Platform, held, paused.EventOf, cancel);
        await NumberedAsync(stage, held, cancel);
        var load = held / Stopwatch.GetElapsedTime(began).TotalSeconds;

        var (ratio, publish, published) = await PublishAsync(held, cancel);
        var (feedOne, feed) = await FeedAsync(held, published, cancel);

        Report.Progress("  Draining it ...");
        await stage.BeginAsync(cancel);
        var strict = await DrainStrictAsync(published, cancel);
        var left = published - await stage.Platform.SettledAsync(cancel);
        await stage.Platform.Endpoints.UpdateAsync(paused.Held.Id, new EndpointSettings(sink.Url(0).ToString()) { Batch = new BatchSettings { MaxEvents = 500 } }, cancel);
        began = Stopwatch.GetTimestamp();
        await stage.Platform.Endpoints.ResumeAsync(paused.Held.Id, cancellationToken: cancel);
        var counts = await stage.WaitAsync("drained", counts => counts.Settled, published, Patience, cancel);
        await stage.FlushAsync(cancel);
        var batched = left / Stopwatch.GetElapsedTime(began).TotalSeconds;

        var (settled, arrived) = (await stage.Platform.SettledAsync(cancel), await sink.CountAsync(cancel));
        var numbered = await stage.Platform.CountAsync("SELECT count(*) FROM webhooks.delivery", cancel);
        var feedOnly = plan.FeedEvents * (long)plan.Streams;
        report.Require(settled == published && numbered == published + feedOnly && arrived.IsInOrder(published),
            $"{held} held: {published} published to the endpoint and {feedOnly} to those that were only read, {numbered} numbered, {settled} settled, sink {arrived}, {counts}");
        var costs = await stage.FinishAsync(cancel);
        report.Require(double.IsNaN(costs.RssMegabytes) || costs.RssMegabytes > 0, "No memory was measured.");
        return new BacklogFigures(load, ratio, publish, feedOne, feed, strict, batched, published, costs);
    }

    // One slice with, one without, the order changing: what the machine does meanwhile falls on both.
    private async Task<(Distribution Ratio, double PerSecond, int Published)> PublishAsync(int held, CancellationToken cancel)
    {
        Report.Progress("  Publishing, with and without ...");
        var (ratios, rates) = (new List<double>(), new List<double>());
        // What is published meanwhile must stay little against what is held. The first pair warms up.
        var slice = Math.Min(plan.Slice, Math.Max(1000, held / 20));
        for (var pair = 0; pair <= plan.Pairs; pair++)
        {
            var (full, none) = (0.0, 0.0);
            foreach (var isFull in new[] { pair % 2 == 0, pair % 2 != 0 })
            {
                if (isFull) full = await SliceAsync(stage, paused, held + (pair * slice), slice, cancel);
                else none = await SliceAsync(empty, beside, pair * slice, slice, cancel);
            }

            Report.Progress($"    {full:F0}/s with, {none:F0}/s without{(pair == 0 ? ", warming up" : "")}");
            if (pair == 0) continue;
            ratios.Add(full / none);
            rates.Add(full);
        }

        return (new Distribution(ratios), new Distribution(rates).Median, held + ((plan.Pairs + 1) * slice));
    }

    private static async Task<double> SliceAsync(Stage to, PausedPlatform platform, int first, int events, CancellationToken cancel)
    {
        var elapsed = await PublishLoad.InGroupAsync(to.Platform, events, n => platform.EventOf(first + n), cancel);
        await NumberedAsync(to, first + events, cancel);
        return events / elapsed.TotalSeconds;
    }

    private async Task<(double One, double Many)> FeedAsync(int held, int published, CancellationToken cancel)
    {
        if (plan.Streams == 0) return (double.NaN, double.NaN);
        await PublishLoad.InBulkAsync(stage.Platform, plan.FeedEvents, paused.FeedEventOf, cancel);
        await NumberedAsync(stage, published + (plan.FeedEvents * (long)plan.Streams), cancel);
        Report.Progress("  Reading the feed ...");
        var one = await ReadAsync([paused.Held], Math.Min(held, plan.FeedEvents), cancel);
        return (one, await ReadAsync(paused.Feeds, plan.FeedEvents, cancel));
    }

    private async Task<double> ReadAsync(IReadOnlyList<CreatedEndpoint> endpoints, int events, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        var read = await Task.WhenAll(endpoints.Select(endpoint => Task.Run(
            () => new FeedStream(stage.Nodes[0].Client, endpoint.Id, endpoint.Secret).ReadAsync(0, events, cancel), cancel)));
        var elapsed = Stopwatch.GetElapsedTime(began);
        report.Require(read.All(count => count == events), $"The feed gave {string.Join(", ", read)} events of {events} each.");
        return read.Sum() / elapsed.TotalSeconds;
    }

    // Half of it at most, so that something is left to go in batches.
    private async Task<double> DrainStrictAsync(int published, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        await stage.Platform.Endpoints.ResumeAsync(paused.Held.Id, cancellationToken: cancel);
        var counts = await stage.WaitAsync("drained one by one", counts => counts.Settled, published / 2, TimeSpan.FromSeconds(plan.StrictSeconds), cancel);
        var perSecond = counts.Settled / Stopwatch.GetElapsedTime(began, counts.SettledAt).TotalSeconds;
        await stage.Platform.Endpoints.PauseAsync(paused.Held.Id, cancel);
        return perSecond;
    }

    private static Task<NodeCounts> NumberedAsync(Stage stage, long numbers, CancellationToken cancel) =>
        stage.WaitAsync("numbered", counts => counts.Numbered, numbers, Patience, cancel);
}
