using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Naive;
using Webhooks.Bench.Peers;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Throughput;

/// <summary>Measures the rows of a plan, one after another, as often as asked; each with its ledger.</summary>
internal sealed class ThroughputRuns(ThroughputPlan plan, BenchServer server, SinkProcess sink, PeerPackages? packages, Report report)
{
    public const string Bare = "_bare";
    public const string Cpu = "_cpu";
    private const int WarmUps = 4;

    /// <summary>How much of the machine processes use that have nothing to do with it.</summary>
    public const string Others = "others";

    public Rates Rates { get; } = new();

    /// <summary>What the main row cost, or the first one where that is left out.</summary>
    public List<EngineFigures> Costs { get; } = [];

    private IEnumerable<ThroughputRow> Rows => ThroughputRows.Engine.Where(row => plan.Rows.Contains(row.Name));

    private string? CostsOf => plan.Rows.Contains(ThroughputRows.Main) ? ThroughputRows.Main : Rows.FirstOrDefault()?.Name;

    /// <summary>
    /// Everything that runs in this process, so that it is compiled, and the sink with it. More than once, for the runtime compiles anew what it sees is used much,
    /// in the background, which takes a tenth of the machine until it has done.
    /// </summary>
    public async Task WarmUpAsync(CancellationToken cancel)
    {
        Report.Progress("Warming up ...");
        var main = ThroughputRows.Engine.Single(row => row.Name == ThroughputRows.Main);
        for (var i = 0; i < WarmUps; i++)
        {
            await BareAsync(main, cancel);
            if (Rows.Any()) await EngineRun.RunAsync(server, sink, LoadOf(main), profile: false, cancel);
        }

        if (Rows.Any(row => row.Name == "batch_1_50ms"))
            await EngineRun.RunAsync(server, sink, LoadOf(Rows.Single(row => row.Name == "batch_1_50ms")) with { SinkLatency = TimeSpan.Zero }, profile: false, cancel);
    }

    public async Task RunOnceAsync(CancellationToken cancel)
    {
        foreach (var row in Rows) await MeasureAsync(row, cancel);
        foreach (var name in new[] { ThroughputRows.Naive, ThroughputRows.NaiveClaim }.Where(plan.Rows.Contains)) await MeasureNaiveAsync(name, cancel);
        if (packages is null) return;
        foreach (var peer in Peer.All.Where(peer => plan.Rows.Contains(peer.Name))) await MeasureAsync(peer, packages, cancel);
    }

    private async Task MeasureAsync(ThroughputRow row, CancellationToken cancel)
    {
        await server.ClearAsync(cancel);
        // A machine is not as fast in one minute as in the next: what ran just before and just after says how fast it was meanwhile.
        var before = row.BareAtOnce > 0 ? await BareAsync(row, cancel) : double.NaN;
        var load = LoadOf(row);
        var figures = await EngineRun.RunAsync(server, sink, load, plan.Profile, cancel);
        report.Require(
            figures.Settled == load.Events && (load.InOrder ? figures.Sink.IsInOrder(load.Events) : figures.Sink.IsComplete(load.Events)),
            $"{row.Name}: {load.Events} published, {figures.Settled} settled, sink {figures.Sink}");
        Add(row.Name, figures.PerSecond, figures.Cpu / load.Events);
        if (row.Name == CostsOf) Costs.Add(figures);
        if (row.BareAtOnce > 0) Rates.Add(row.Name + Bare, (before + await BareAsync(row, cancel)) / 2);
        Say(row.Name, figures.PerSecond, figures.Cpu / load.Events, row.BareAtOnce > 0 ? row.Name + Bare : null);
    }

    private async Task MeasureNaiveAsync(string name, CancellationToken cancel)
    {
        await server.ClearAsync(cancel);
        var events = plan.Events(ThroughputRows.EventsOf(name));
        var figures = await NaiveJobTable.RunAsync(server, sink, plan.Tried["workers"]?.GetValue<int>() ?? NaiveJobTable.Workers, name == ThroughputRows.NaiveClaim, EndpointsOfPeers, events, cancel);
        report.Require(figures.IsBalanced, $"{name}: {events} enqueued, {figures.Done} done, sink {figures.Sink}");
        Add(name, figures.PerSecond, figures.Cpu / events);
        Say(name, figures.PerSecond, figures.Cpu / events, null);
    }

    private async Task MeasureAsync(Peer peer, PeerPackages node, CancellationToken cancel)
    {
        await server.ClearAsync(cancel);
        var events = plan.Events(ThroughputRows.EventsOf(peer.Name));
        var figures = await PeerRun.RunAsync(server, sink, node, peer.With(plan.Tried), EndpointsOfPeers, events, cancel);
        report.Require(figures.IsBalanced, $"{peer.Name}: {figures.Enqueued} of {events} enqueued, {figures.Completed} completed, sink {figures.Sink}");
        Add(peer.Name, figures.PerSecond, figures.Cpu / events);
        Say(peer.Name, figures.PerSecond, figures.Cpu / events, null);
    }

    private async Task<double> BareAsync(ThroughputRow row, CancellationToken cancel)
    {
        var (endpoints, events) = (row.Load.Endpoints, plan.Events(row.Load.Events));
        await sink.ResetAsync(new SinkRun(endpoints, events) { Latency = row.Load.SinkLatency }, cancel);
        var cpuBefore = CpuUse.Read(Environment.ProcessId, server.Postgres.ProcessId, sink.ProcessId);
        var elapsed = await BareLoop.RunAsync(sink.Urls(endpoints), row.BareAtOnce, events, cancel);
        var cpu = CpuUse.Read(Environment.ProcessId, server.Postgres.ProcessId, sink.ProcessId) - cpuBefore;
        Rates.Add(row.Name + Bare + Cpu, cpu.Total * 1e6 / events);
        var counts = await sink.CountAsync(cancel);
        report.Require(row.Load.InOrder ? counts.IsInOrder(events) : counts.IsComplete(events), $"bare loop of {row.Name}: {events} sent, sink {counts}");
        return events / elapsed.TotalSeconds;
    }

    private static int EndpointsOfPeers => ThroughputRows.Engine.Single(row => row.Name == ThroughputRows.Main).Load.Endpoints;

    private EngineLoad LoadOf(ThroughputRow row) => row.Load with { Events = plan.Events(row.Load.Events), Publish = plan.Publish };

    private void Add(string row, double perSecond, CpuUse cpu)
    {
        Rates.Add(row, perSecond);
        Rates.Add(row + Cpu, cpu.Total * 1e6);
        Rates.Add(Others, cpu.Others * perSecond / Environment.ProcessorCount * 100);
    }

    private void Say(string row, double perSecond, CpuUse cpu, string? bare) => Report.Progress(string.Create(CultureInfo.InvariantCulture,
        $"  {row,-18} {perSecond,7:F0}/s, CPU {cpu.Total * 1e6:F0} us (sender {cpu.Sender * 1e6:F0}, database {cpu.Server * 1e6:F0}, sink {cpu.Sink * 1e6:F0}), others use {Rates.Last(Others):F0} %{(bare is null ? "" : $", bare {Rates.Last(bare):F0}/s, ratio {perSecond / Rates.Last(bare):F3}")}"));
}
