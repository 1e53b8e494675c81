using System.Diagnostics;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Growth;

/// <summary>A database with so much history, and what it gave under load.</summary>
internal sealed class GrowthRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly BenchServer _server;
    private readonly SinkProcess _sink;
    private readonly string _connectionString;
    private readonly WebhookApplicationId[] _applications;
    private readonly List<(StageCosts Costs, long Events)> _costs = [];
    private long _delivered;

    private GrowthRun(BenchServer server, SinkProcess sink, string connectionString, WebhookApplicationId[] applications, int history, double megabytes) =>
        (_server, _sink, _connectionString, _applications, History, DatabaseMegabytes, _delivered) = (server, sink, connectionString, applications, history, megabytes, history);

    public int History { get; }

    public double DatabaseMegabytes { get; }

    public List<double> Rates { get; } = [];

    public IEnumerable<double> CpuPerEvent => _costs.Select(run => run.Costs.Cpu.Total / run.Events);

    public static async Task<GrowthRun> LoadAsync(BenchServer server, SinkProcess sink, int history, int endpoints, CancellationToken cancel)
    {
        Report.Progress($"Loading {history} delivered events ...");
        var connectionString = await server.CreateDatabaseAsync(cancel);
        WebhookApplicationId[] applications;
        await using (var setup = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel))
            applications = await setup.AddApplicationsAsync(sink.Urls(endpoints), cancel);
        // The endpoints are put in force, and with that the buckets have a mark to go on from.
        await using (var stage = await Stage.StartAsync(server, sink, new NodeSettings(connectionString), 1, cancel))
        {
            while (await stage.Platform.CountAsync("SELECT count(*) FROM webhooks.stream WHERE NOT matching", cancel) > 0) await Task.Delay(50, cancel);
        }

        await using var platform = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel);
        await DeliveredHistory.LoadAsync(platform, history, endpoints, cancel);
        var megabytes = await platform.CountAsync("SELECT pg_database_size(current_database())", cancel) / 1048576.0;
        return new GrowthRun(server, sink, connectionString, applications, history, megabytes);
    }

    public async Task RunOnceAsync(int events, bool isWarmUp, Report report, CancellationToken cancel)
    {
        await _sink.ResetAsync(_applications.Length, 0, cancel);
        await using var stage = await Stage.StartAsync(_server, _sink, new NodeSettings(_connectionString), 1, cancel);
        // Connections, pools and compiled code are this process's own, whatever came before.
        var warmUp = Math.Max(_applications.Length, events / 10);
        await PublishLoad.InGroupAsync(stage.Platform, warmUp, Event, cancel);
        await stage.WaitAsync("warming up", counts => counts.Settled, warmUp, Patience, cancel);
        await stage.BeginAsync(cancel);
        var began = Stopwatch.GetTimestamp();
        await PublishLoad.InGroupAsync(stage.Platform, events, Event, cancel);
        var counts = await stage.WaitAsync("settled", counts => counts.Settled, warmUp + events, Patience, cancel);
        await stage.FlushAsync(cancel);
        var perSecond = events / Stopwatch.GetElapsedTime(began).TotalSeconds;

        _delivered += warmUp + events;
        var (settled, arrived) = (await stage.Platform.SettledAsync(cancel), await _sink.CountAsync(cancel));
        // Each stream goes on from a number above 1: that one number is not the next of what the sink has seen, and no other.
        report.Require(settled == _delivered && arrived.IsComplete(warmUp + events) && arrived.OutOfOrder == (_delivered > warmUp + events ? _applications.Length : 0),
            $"{History} of history: {_delivered} should be settled, {settled} are; {warmUp + events} published, sink {arrived}, {counts}");
        var costs = await stage.FinishAsync(cancel);
        Report.Progress($"  {History} of history: {perSecond:F0}/s, CPU {costs.Cpu.Total / events * 1e6:F0} us for an event");
        if (isWarmUp) return;
        Rates.Add(perSecond);
        _costs.Add((costs, events));

        EventToPublish Event(int n) => new(_applications[n % _applications.Length], Payload.EventType, Payload.Data(n));
    }

    public void AddCosts(Report report, bool statements) => StageCosts.Add(report, _costs, statements, "an event", $"history_{History}_");
}
