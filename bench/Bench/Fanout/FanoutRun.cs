using System.Diagnostics;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Fanout;

/// <summary>What a run gave.</summary>
/// <param name="Deliveries">All there should be, the warm-up's included.</param>
/// <param name="Flow">Those that were measured.</param>
internal sealed record FanoutFigures(
    long Deliveries, long Flow, long Numbered, long Settled, SinkCounts Sink, double NumberedPerSecond, double DeliveredPerSecond, StageCosts Costs);

/// <summary>Some events in one transaction, so that nothing but numbering stands between its commit and the last number.</summary>
internal static class FanoutRun
{
    // The first has every endpoint leased and every connection opened.
    private const int WarmUp = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<FanoutFigures> RunAsync(BenchServer server, SinkProcess sink, int width, int events, bool profile, CancellationToken cancel)
    {
        var connectionString = await server.CreateDatabaseAsync(cancel);
        WebhookApplicationId application;
        await using (var setup = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel))
        {
            application = (await setup.AddApplicationsAsync(1, cancel))[0];
            var model = await setup.AddEndpointAsync(application, sink.Url(0), cancel);
            await BulkEndpoints.AddAsync(setup, model.Id, [application], sink.Origin + "/e/", 1, width - 1, cancel);
        }

        await sink.ResetAsync(width, 0, cancel);
        await using var stage = await Stage.StartAsync(server, sink, new NodeSettings(connectionString), 1, cancel);
        await PublishLoad.AtOnceAsync(stage.Platform, 0, WarmUp, Event, cancel);
        await stage.WaitAsync("warming up", counts => counts.Settled, WarmUp * (long)width, Patience, cancel);

        await stage.BeginAsync(cancel);
        var (flow, all) = (events * (long)width, (WarmUp + events) * (long)width);
        var began = await PublishLoad.AtOnceAsync(stage.Platform, WarmUp, events, Event, cancel);
        var counts = await stage.WaitAsync("delivered", counts => counts.Settled, all, Patience, cancel);
        var numbered = await stage.Platform.CountAsync("SELECT count(*) FROM webhooks.delivery", cancel);
        var settled = await stage.Platform.SettledAsync(cancel);
        var arrived = await sink.CountAsync(cancel);
        if (profile) await stage.ProfileAsync();
        return new FanoutFigures(
            all, flow, numbered, settled, arrived, PerSecond(counts.NumberedAt), PerSecond(counts.SettledAt), await stage.FinishAsync(cancel));

        EventToPublish Event(int n) => new(application, Payload.EventType, Payload.Data(n));

        double PerSecond(long until) => flow / Stopwatch.GetElapsedTime(began, until).TotalSeconds;
    }
}
