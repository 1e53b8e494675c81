using Webhooks.Bench.Measuring;

namespace Webhooks.Bench.Staging;

/// <summary>What a stage took while events flowed.</summary>
/// <param name="Server">Statements and write-ahead log from begin to end; transactions from the start of the stage to its stop.</param>
/// <param name="RssMegabytes">The highest resident memory of any dispatcher process.</param>
/// <param name="Cpu">The processors' time; the sender is all dispatcher processes together.</param>
internal sealed record StageCosts(ServerCounters Server, double RssMegabytes, CpuUse Cpu)
{
    /// <summary>Adds medians of several runs to a report, each per event.</summary>
    public static void Add(Report report, IReadOnlyList<(StageCosts Costs, long Events)> runs, bool statements, string what, string prefix = "")
    {
        if (statements) report.Add(prefix + "statements_per_event", Median(run => run.Server.Statements), $"SQL statements for {what}, the publisher's included", 4);
        report.Add(prefix + "transactions_per_event", Median(run => run.Server.Transactions), "transactions; start and stop of the processes are among them", 4);
        report.Add(prefix + "wal_bytes_per_event", Median(run => run.Server.WalBytes), "write-ahead log", 0);
        report.Add(prefix + "cpu_us_per_event", Median(run => run.Cpu.Total * 1e6), "processor time of dispatcher, database and sink", 1);
        report.Add(prefix + "rss_mb", runs.Max(run => run.Costs.RssMegabytes), "highest resident memory of a dispatcher process", 0);

        double Median(Func<StageCosts, double> figure) => new Distribution(runs.Select(run => figure(run.Costs) / run.Events)).Median;
    }
}
