using System.CommandLine;
using System.Diagnostics;
using Webhooks.Bench.Latency;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;

namespace Webhooks.Bench.Hangfire;

/// <summary>kill -9 of one of two Hangfire servers in the middle of steady publishing: how long what it had in hand waits for the other one.</summary>
internal static class TakeoverCommand
{
    private const int Lease = 10;
    private const int SecondsBefore = 10;
    private const int SecondsAfter = 20;

    private const string Held =
        """
        SELECT coalesce(min(many), 0)::bigint
        FROM (SELECT count(*) AS many FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL GROUP BY lease_owner) AS each
        """;

    public static Command Create()
    {
        var endpoints = WholeNumber.Option("--endpoints", "Strict endpoints", 40);
        var every = WholeNumber.Option("--every", "Milliseconds between two events", 20);
        var command = new Command("takeover", "kill -9 of one of two Hangfire servers: the longest wait of an event") { endpoints, every, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
            RunAsync(parsed.GetValue(endpoints), TimeSpan.FromMilliseconds(parsed.GetValue(every)), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int endpoints, TimeSpan every, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var connectionString = await server.CreateDatabaseAsync(cancel);
        await using var platform = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel);
        var applications = await platform.AddApplicationsAsync(sink.Urls(endpoints), cancel);
        var settings = new NodeSettings(connectionString, OtherHost: true);
        await using var doomed = await NodeProcess.StartAsync(settings, cancel);
        await using var other = await NodeProcess.StartAsync(settings, cancel);
        var count = (int)(TimeSpan.FromSeconds(SecondsBefore + SecondsAfter) / every);
        await sink.ResetAsync(endpoints, count, cancel);

        Report.Progress($"{count} events, one every {every.TotalMilliseconds} ms; kill -9 after {SecondsBefore} s ...");
        var run = new LatencyRun(platform, sink, applications);
        var publishing = run.PublishAsync(count, every, inTransaction: false, cancel);
        await Task.Delay(TimeSpan.FromSeconds(SecondsBefore), cancel);
        var held = await platform.CountAsync(Held, cancel);
        var killed = Stopwatch.GetTimestamp();
        using (var process = Process.GetProcessById(doomed.ProcessId)) process.Kill();
        var moments = await publishing;

        var counts = await sink.WaitAsync(count, LatencyRun.Patience, cancel);
        var arrivals = await sink.ArrivalsAsync(cancel);
        report.Require(counts.IsInOrder(count), $"{count} published, sink {counts}");
        while (counts.Distinct == count && await platform.SettledAsync(cancel) < count && Stopwatch.GetElapsedTime(killed) < 2 * LatencyRun.Patience)
            await Task.Delay(100, cancel);
        var settled = await platform.SettledAsync(cancel);
        report.Require(settled == count, $"{count} published, {settled} settled");
        var late = new Distribution(moments.Where(moment => arrivals[moment.N] > killed).Select(moment =>
            Distribution.Milliseconds(Math.Max(killed, moment.Committed), arrivals[moment.N])));
        report.Add("hangfire_takeover_ms", late.Max, "the longest wait of an event, from its commit or the kill to its receipt", 0);
        report.Add("lease_ms", Lease * 1000, "Delivery:LeaseDuration");
        report.Add("held", held, "endpoints that the process with fewer of them had in hand");
        report.Add("repeated", counts.Repeated, "events that came twice: sent, and not settled when the process was killed");
        report.Add("events", count, "published = received in order = settled");
        report.Add("hangfire", HangfireServers.Settings, "");
    }
}
