using System.CommandLine;
using Webhooks.Bench.Idle;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Hangfire;

/// <summary>What a Hangfire server with the dispatcher in it costs while there is nothing to send: its own statements and ours.</summary>
internal static class IdleCommand
{
    public static Command Create()
    {
        var endpoints = WholeNumber.Option("--endpoints", "Endpoints without work", 1000, least: 0);
        var window = WholeNumber.Option("--window", "Seconds of quiet that are looked at; the recurring jobs come once a minute", 120);
        var profile = new Option<bool>("--profile") { Description = "Print which statements there are while nothing happens" };
        var command = new Command("idle", "Statements and processor time per second of a Hangfire server that has nothing to do") { endpoints, window, profile, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
            RunAsync(parsed.GetValue(endpoints), TimeSpan.FromSeconds(parsed.GetValue(window)), parsed.GetValue(profile), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int endpoints, TimeSpan window, bool profile, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        foreach (var (hosted, prefix) in new[] { (true, "hangfire_idle_"), (false, "inbox_idle_") })
        {
            Report.Progress(hosted ? "A Hangfire server:" : "The in-box worker:");
            var plan = new IdlePlan(window, Receivers: 0, TimeSpan.Zero, profile, hosted);
            var (quiet, _, rss) = await IdleRun.RunAsync(server, sink, endpoints, plan, report, cancel);
            if (server.CountsStatements)
                report.Add(prefix + "statements_per_s", quiet.Statements, "SQL statements a second, BEGIN and COMMIT among them, of Hangfire and the dispatcher together", 2);
            report.Add(prefix + "transactions_per_s", quiet.Transactions, "transactions", 2);
            report.Add(prefix + "core_percent", quiet.CorePercent, "of a core, the process and the whole database server together", 2);
            report.Add(prefix + "wal_bytes_per_s", quiet.WalBytes, "write-ahead log", 0);
            report.Add(prefix + "rss_mb", rss, "highest resident memory of the process", 0);
        }

        report.Add("hangfire", HangfireServers.Settings, "");
        report.Add("postgres", await server.DescribeAsync(cancel), "");
    }
}
