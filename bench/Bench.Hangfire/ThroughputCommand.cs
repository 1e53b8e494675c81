using System.CommandLine;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Throughput;

namespace Webhooks.Bench.Hangfire;

/// <summary>200 strict endpoints in a Hangfire server, in the in-box worker, and as one Hangfire job per message, in the same run.</summary>
internal static class ThroughputCommand
{
    private const string InBox = "strict_200";
    private const string Hosted = "hangfire_200";
    private const string JobPerMessageRow = "job_per_message";
    private const string Bare = "bare";
    private const int WarmUps = 2;

    private const int EventsToWarmUp = 60_000;

    public static Command Create()
    {
        var events = WholeNumber.Option("--events", "Events of a run, for each host", 480_000);
        var messages = WholeNumber.Option("--messages", "Jobs of a run, of one job per message", 3000);
        var runs = WholeNumber.Option("--runs", "Runs of which the medians are taken", 3);
        var workers = WholeNumber.Option("--workers", "Workers of one job per message", JobPerMessage.BestWorkers);
        var profile = new Option<bool>("--profile") { Description = "Print which statements take the server's time" };
        var command = new Command("throughput", "strict_200 in a Hangfire server beside the in-box worker and one Hangfire job per message")
        {
            events, messages, runs, workers, profile, Report.Json,
        };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
        {
            var plan = new Plan(parsed.GetValue(events), parsed.GetValue(messages), parsed.GetValue(workers), parsed.GetValue(profile));
            return RunAsync(plan, parsed.GetValue(runs), report, cancel);
        }));
        return command;
    }

    private static async Task RunAsync(Plan plan, int runs, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var rates = new Rates();
        var costs = new List<EngineFigures>();
        Report.Progress("Warming up ...");
        var load = ThroughputRows.Engine.Single(row => row.Name == ThroughputRows.Main).Load with { Events = plan.Events };
        for (var i = 0; i < WarmUps; i++)
        {
            await BareAsync(Math.Min(plan.Events, EventsToWarmUp));
            foreach (var host in new HostSetup?[] { null, HangfireServers.AddTo })
            {
                var figures = await EngineRun.RunAsync(server, sink, load with { Host = host, Events = Math.Min(plan.Events, EventsToWarmUp) }, profile: false, cancel);
                Report.Progress(string.Create(CultureInfo.InvariantCulture, $"  {(host is null ? InBox : Hosted),-18} {figures.PerSecond,7:F0}/s"));
                report.Require(figures.Settled == figures.Events, $"warming up: {figures.Events} published, {figures.Settled} settled, sink {figures.Sink}");
            }
        }

        await JobPerMessage.RunAsync(server, sink, plan.Workers, load.Endpoints, Math.Max(1, plan.Messages / 10), cancel);
        for (var run = 1; run <= runs; run++)
        {
            Report.Progress($"Run {run} of {runs}:");
            // In turn, so that what the machine does meanwhile falls on both.
            foreach (var hosted in run % 2 == 1 ? new[] { false, true } : [true, false]) await EngineAsync(hosted);
            await JobsAsync();
        }

        Tell();

        async Task EngineAsync(bool hosted)
        {
            await server.ClearAsync(cancel);
            var before = await BareAsync(plan.Events);
            var figures = await EngineRun.RunAsync(server, sink, hosted ? load with { Host = HangfireServers.AddTo } : load, plan.Profile, cancel);
            var name = hosted ? Hosted : InBox;
            report.Require(
                figures.Settled == load.Events && figures.Sink.IsInOrder(load.Events), $"{name}: {load.Events} published, {figures.Settled} settled, sink {figures.Sink}");
            rates.Add(name + Bare, (before + await BareAsync(plan.Events)) / 2);
            Add(name, figures.PerSecond, figures.Cpu / load.Events);
            if (hosted) costs.Add(figures);
        }

        async Task JobsAsync()
        {
            await server.ClearAsync(cancel);
            var figures = await JobPerMessage.RunAsync(server, sink, plan.Workers, load.Endpoints, plan.Messages, cancel);
            report.Require(figures.IsBalanced, $"{JobPerMessageRow}: {plan.Messages} enqueued, {figures.Succeeded} succeeded, sink {figures.Sink}");
            rates.Add(JobPerMessageRow + "_enqueued", figures.EnqueuedPerSecond);
            Add(JobPerMessageRow, figures.PerSecond, figures.Cpu / plan.Messages);
        }

        async Task<double> BareAsync(int events)
        {
            await sink.ResetAsync(load.Endpoints, events, cancel);
            var elapsed = await BareLoop.RunAsync(sink.Urls(load.Endpoints), load.Endpoints, events, cancel);
            var counts = await sink.CountAsync(cancel);
            report.Require(counts.IsInOrder(events), $"bare loop: {events} sent, sink {counts}");
            return events / elapsed.TotalSeconds;
        }

        void Add(string row, double perSecond, CpuUse cpu)
        {
            rates.Add(row, perSecond);
            rates.Add(row + ThroughputRuns.Cpu, cpu.Total * 1e6);
            rates.Add(ThroughputRuns.Others, cpu.Others * perSecond / Environment.ProcessorCount * 100);
            Report.Progress(string.Create(CultureInfo.InvariantCulture,
                $"  {row,-18} {perSecond,7:F0}/s, CPU {cpu.Total * 1e6:F0} us (sender {cpu.Sender * 1e6:F0}, database {cpu.Server * 1e6:F0}, sink {cpu.Sink * 1e6:F0})")
                + string.Create(CultureInfo.InvariantCulture, $", others use {rates.Last(ThroughputRuns.Others):F0} %"));
        }

        void Tell()
        {
            Ratio("hangfire_200_vs_inbox", Hosted, InBox, "the dispatcher in a Hangfire server against its in-box worker, run by run");
            Ratio("hangfire_200_vs_job_per_message", Hosted, JobPerMessageRow, "against one Hangfire job per message, run by run");
            Ratio("hangfire_200_vs_bare", Hosted, Hosted + Bare, "against a bare loop with 200 at once, before and after it");
            Ratio("strict_200_vs_bare", InBox, InBox + Bare, "the same of the in-box worker");
            foreach (var row in new[] { Hosted, InBox, JobPerMessageRow })
            {
                var what = row == JobPerMessageRow ? "worked off a second, their enqueueing left out of the time" : "delivered and settled a second";
                report.Add(row + "_per_s", rates.Median(row), what, 0);
                report.Add(row + "_all_cpu_us", rates.Median(row + ThroughputRuns.Cpu), "processor time for an event: sender, database and sink together", 1);
            }

            report.Add("job_per_message_enqueued_per_s", rates.Median(JobPerMessageRow + "_enqueued"), $"enqueued a second by {JobPerMessage.Producers} producers, before that", 0);
            ThroughputReport.AddCosts(report, costs, server.CountsStatements);
            report.Add("others_cpu_percent", rates.Median(ThroughputRuns.Others), "of the machine, used meanwhile by processes that have nothing to do with it", 1);
            report.Add("runs", runs, "of which the medians are");
            report.Add("events", plan.Events, "of each host in a run: published = received in order = settled");
            report.Add("messages", plan.Messages, "jobs of one job per message in a run: enqueued = received = succeeded");
            report.Add("hangfire", HangfireServers.Settings, "");
            report.Add("job_per_message", JobPerMessage.Settings(plan.Workers), "");
        }

        void Ratio(string key, string row, string to, string meaning)
        {
            var ratios = rates.Ratios(row, to);
            report.Add(key, ratios.Median, meaning);
            report.Add(key + "_min", ratios.Min, "");
            report.Add(key + "_max", ratios.Max, "");
        }
    }

    private sealed record Plan(int Events, int Messages, int Workers, bool Profile);
}
