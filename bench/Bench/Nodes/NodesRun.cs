using System.Diagnostics;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Nodes;

/// <summary>What a run gave.</summary>
/// <param name="Held">Endpoints that each process had leased in the middle of the run, fewest first; a process without one is not among them.</param>
/// <param name="SettledByEach">Events by process.</param>
internal sealed record NodesFigures(
    int Nodes, long Events, double PerSecond, long Settled, SinkCounts Sink, IReadOnlyList<long> Held, IReadOnlyList<long> SettledByEach, StageCosts Costs)
{
    public double Spread => LeastAgainstEqual(Held);

    public double Share => LeastAgainstEqual(SettledByEach);

    private double LeastAgainstEqual(IReadOnlyList<long> each) =>
        each.Count < Nodes || each.Sum() == 0 ? 0 : each.Min() / ((double)each.Sum() / Nodes);
}

/// <summary>All events are published as fast as that goes, to endpoints in turn, while the processes run; they have more waiting than they can send.</summary>
internal static class NodesRun
{
    // Twenty times what it takes at best with all processes at work.
    private const int Patience = 20;

    public static async Task<NodesFigures> RunAsync(BenchServer server, SinkProcess sink, int nodes, NodesPlan plan, CancellationToken cancel)
    {
        var events = (int)(nodes * plan.Ceiling * plan.Seconds);
        var connectionString = await server.CreateDatabaseAsync(cancel);
        WebhookApplicationId[] applications;
        await using (var setup = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel))
            applications = await setup.AddApplicationsAsync(sink.Urls(plan.Endpoints), cancel);
        await sink.ResetAsync(new SinkRun(plan.Endpoints, 0) { Latency = plan.Latency }, cancel);
        await using var stage = await Stage.StartAsync(server, sink, new NodeSettings(connectionString, plan.Sends), nodes, cancel);

        await stage.BeginAsync(cancel);
        var began = Stopwatch.GetTimestamp();
        var most = TimeSpan.FromSeconds(plan.Seconds * Patience);
        var publishing = PublishLoad.InBulkAsync(stage.Platform, events, n => new EventToPublish(applications[n % plan.Endpoints], Payload.EventType, Payload.Data(n)), cancel);
        await stage.WaitAsync("settled", counts => counts.Settled, events / 2, most, cancel);
        var held = await HeldAsync(stage, cancel);
        await publishing;
        var counts = await stage.WaitAsync("settled", counts => counts.Settled, events, most, cancel);
        await stage.FlushAsync(cancel);
        var byEach = (await Task.WhenAll(stage.Nodes.Select(node => node.CountAsync(cancel)))).Select(node => node.Settled).ToList();
        var (settled, arrived) = (await stage.Platform.SettledAsync(cancel), await sink.CountAsync(cancel));
        var seconds = Stopwatch.GetElapsedTime(began, counts.SettledAt).TotalSeconds;
        return new NodesFigures(nodes, events, events / seconds, settled, arrived, held, byEach, await stage.FinishAsync(cancel));
    }

    private static async Task<List<long>> HeldAsync(Stage stage, CancellationToken cancel)
    {
        await using var command = stage.Platform.Data.CreateCommand(
            "SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL GROUP BY lease_owner ORDER BY 1");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var held = new List<long>();
        while (await reader.ReadAsync(cancel)) held.Add(reader.GetInt64(0));
        return held;
    }
}
