using System.CommandLine;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Idle;

/// <summary>What is looked at while nothing happens.</summary>
/// <param name="Window">For how long.</param>
/// <param name="Receivers">How many receivers look at the feed now and then, in a second window.</param>
/// <param name="Every">How often each of them does.</param>
/// <param name="Profile">Whether the statements of a quiet window are printed.</param>
/// <param name="OtherHost">Whether the program's other host would deliver.</param>
internal sealed record IdlePlan(TimeSpan Window, int Receivers, TimeSpan Every, bool Profile, bool OtherHost = false);

/// <summary>What a dispatcher costs while there is nothing to send.</summary>
internal static class IdleCommand
{
    public static Command Create()
    {
        var endpoints = CountList.Option("--endpoints", "Endpoints without work", least: 0, 0, 1000, 100_000);
        var window = WholeNumber.Option("--window", "Seconds of quiet that are looked at", 30);
        var receivers = WholeNumber.Option("--receivers", "Receivers that look at the feed, in a second window", 10_000, least: 0);
        var every = WholeNumber.Option("--every", "Seconds between two looks of a receiver", 300);
        var profile = new Option<bool>("--profile") { Description = "Print which statements there are while nothing happens" };
        var command = new Command("idle", "Statements and processor time per second with 0, 1 k and 100 k endpoints that have no work") { endpoints, window, receivers, every, profile, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report => RunAsync(
            parsed.GetValue(endpoints)!,
            new IdlePlan(TimeSpan.FromSeconds(parsed.GetValue(window)), parsed.GetValue(receivers), TimeSpan.FromSeconds(parsed.GetValue(every)), parsed.GetValue(profile)), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int[] sizes, IdlePlan plan, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        foreach (var endpoints in sizes)
        {
            Report.Progress($"{endpoints} endpoints:");
            var (quiet, probed, rss) = await IdleRun.RunAsync(server, sink, endpoints, plan, report, cancel);
            if (endpoints == sizes[^1])
            {
                Add("", "", quiet);
                report.Add("rss_mb", rss, "highest resident memory of the dispatcher process", 0);
            }

            Add("", $"_{endpoints}", quiet);
            if (probed is null) continue;
            if (endpoints == sizes[^1]) Add("probes_", "", probed);
            Add("probes_", $"_{endpoints}", probed);
        }

        report.Add("postgres", await server.DescribeAsync(cancel), "");

        void Add(string prefix, string suffix, QuietFigures figures)
        {
            var meaning = prefix.Length == 0 ? "while nothing happens" : $"while {plan.Receivers} receivers look every {plan.Every.TotalSeconds} s";
            if (server.CountsStatements) report.Add($"{prefix}statements_per_s{suffix}", figures.Statements, "SQL statements a second " + meaning, 2);
            report.Add($"{prefix}transactions_per_s{suffix}", figures.Transactions, "transactions", 2);
            report.Add($"{prefix}core_percent{suffix}", figures.CorePercent, "of a core, the dispatcher process and the whole database server together", 2);
            report.Add($"{prefix}dispatcher_core_percent{suffix}", figures.DispatcherCorePercent, "of it, the dispatcher process", 2);
            report.Add($"{prefix}wal_bytes_per_s{suffix}", figures.WalBytes, "write-ahead log", 0);
        }
    }
}
