using Webhooks.Bench.Measuring;
using Webhooks.Bench.Peers;

namespace Webhooks.Bench.Throughput;

/// <summary>The rows' medians, and each against what it is compared with, in the same run.</summary>
internal sealed class ThroughputReport(ThroughputPlan plan, Rates rates, Report report)
{
    /// <param name="runs">How many the medians are of.</param>
    /// <param name="trouble">Why the peers on Node could not be measured, or null.</param>
    public void Add(int runs, string? trouble)
    {
        foreach (var row in ThroughputRows.Engine.Where(row => rates.Has(row.Name)))
        {
            report.Add(row.Name + "_per_s", rates.Median(row.Name), row.Meaning, 0);
            if (row.Name == ThroughputRows.Main) AddCpu(row.Name);
            if (row.BareAtOnce == 0) continue;
            var ratios = rates.Ratios(row.Name, row.Name + ThroughputRuns.Bare);
            report.Add(row.Name + "_vs_bare", ratios.Median, $"against a bare loop with {row.BareAtOnce} at once, before and after it");
            if (row.Name != ThroughputRows.Main) continue;
            report.Add(row.Name + "_vs_bare_min", ratios.Min, "");
            report.Add(row.Name + "_vs_bare_max", ratios.Max, "");
            report.Add("bare_per_s", rates.Median(row.Name + ThroughputRuns.Bare), "signed and posted, without a database", 0);
            report.Add("bare_all_cpu_us", rates.Median(row.Name + ThroughputRuns.Bare + ThroughputRuns.Cpu), "its processor time for an event, the sink's included", 1);
        }

        AddOther(ThroughputRows.Naive, "a job table: lock one, post it, mark it done, commit");
        AddOther(ThroughputRows.NaiveClaim, "a job table: claim one, commit, post it, mark it done, commit");
        foreach (var peer in Peer.All.Where(peer => plan.Rows.Contains(peer.Name)))
        {
            if (trouble is null) AddPeer(peer);
            else Skip(peer, trouble);
        }

        if (rates.Has(ThroughputRuns.Others))
            report.Add("others_cpu_percent", rates.Median(ThroughputRuns.Others), "of the machine, used meanwhile by processes that have nothing to do with it", 1);
        report.Add("runs", runs, "of which the medians are");
    }

    /// <summary>What an event cost the dispatcher and the database under its main load.</summary>
    public static void AddCosts(Report report, IReadOnlyList<EngineFigures> costs, bool countsStatements)
    {
        if (countsStatements) report.Add("statements_per_event", Median(run => run.Server.Statements), "pg_stat_statements, the publishers' included");
        else report.Add("statements_per_event", "unknown", "the extension pg_stat_statements is not installed");
        report.Add("transactions_per_event", Median(run => run.Server.Transactions), "pg_stat_database, start and stop of the dispatcher included");
        report.Add("wal_bytes_per_event", Median(run => run.Server.WalBytes), "the event itself included", 0);
        report.Add("cpu_us_per_event", Median(run => run.Cpu.Sender * 1e6), "of this process: publisher and dispatcher", 1);
        report.Add("server_cpu_us_per_event", Median(run => run.Cpu.Server * 1e6), "of PostgreSQL", 1);
        report.Add("sink_cpu_us_per_event", Median(run => run.Cpu.Sink * 1e6), "of the sink", 1);
        report.Add("published_per_s", new Distribution(costs.Select(run => run.Events / run.Published.TotalSeconds)).Median, "while delivering", 0);
        report.Add("rss_mb", new Distribution(costs.Select(run => run.RssMegabytes)).Median, "of this process: publisher, dispatcher and bench", 0);
        report.Add("repeated", costs.Sum(run => run.Sink.Repeated), "deliveries that the sink had had before");

        double Median(Func<EngineFigures, double> figure) => new Distribution(costs.Select(run => figure(run) / run.Events)).Median;
    }

    private void AddPeer(Peer peer)
    {
        AddOther(peer.Name, peer.CountCompleted is null ? "the bare loop on Node" : "end to end, in its best setting");
        if (peer.CountCompleted is not null && rates.Has(Peer.NodeBare.Name))
            report.Add(peer.Name + "_vs_node_bare", rates.Ratios(peer.Name, Peer.NodeBare.Name).Median, "against the bare loop of its own runtime");
    }

    private void AddOther(string name, string meaning)
    {
        if (!rates.Has(name)) return;
        report.Add(name + "_per_s", rates.Median(name), meaning, 0);
        AddCpu(name);
        if (!rates.Has(ThroughputRows.Main)) return;
        report.Add(name + "_vs_bare", rates.Ratios(name, ThroughputRows.Main + ThroughputRuns.Bare).Median, "against the bare loop on .NET");
        if (name != Peer.NodeBare.Name)
            report.Add($"{ThroughputRows.Main}_vs_{name}", rates.Ratios(ThroughputRows.Main, name).Median, "the dispatcher against it");
    }

    private void AddCpu(string name) =>
        report.Add(name + "_all_cpu_us", rates.Median(name + ThroughputRuns.Cpu), "processor time for an event: sender, database and sink together", 1);

    private void Skip(Peer peer, string trouble)
    {
        report.Add("skipped_" + peer.Name, trouble, "not measured");
        report.Add(peer.Name + "_per_s", "skipped", "");
        if (peer.CountCompleted is null) return;
        report.Add(peer.Name + "_vs_node_bare", "skipped", "");
        report.Add($"{ThroughputRows.Main}_vs_{peer.Name}", "skipped", "");
    }
}
