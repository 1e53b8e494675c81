using System.CommandLine;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Throughput;

/// <summary>
/// Delivered and durably settled events per second, everything on this machine at once, against a bare signed loop in the same run. Publisher
/// and dispatcher are in this process, as in a platform's service; the sink and the database are not.
/// </summary>
internal static class ThroughputCommand
{
    public static Command Create()
    {
        var endpoints = new Option<int>("--endpoints") { Description = "Strict endpoints, each of an application of its own", DefaultValueFactory = _ => 200 };
        var events = new Option<int>("--events") { Description = "Events in each run", DefaultValueFactory = _ => 150_000 };
        var runs = new Option<int>("--runs") { Description = "Runs of which the median is taken", DefaultValueFactory = _ => 3 };
        var form = new Option<PublishForm>("--publish") { Description = "Single publishes that share commits, or transactions of 100 events" };
        var profile = new Option<bool>("--profile") { Description = "Print which statements take the server's time" };
        var command = new Command("throughput", "Delivered and settled events per second against a bare signed loop")
        {
            endpoints, events, runs, form, profile, Report.Json,
        };
        command.SetAction((parsed, cancel) => RunAsync(
            parsed.GetValue(endpoints), parsed.GetValue(events), parsed.GetValue(runs), parsed.GetValue(form), parsed.GetValue(profile),
            new Report(parsed.GetValue(Report.Json)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(int endpoints, int events, int runs, PublishForm form, bool profile, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        Report.Progress("Warming up ...");
        await BareAsync(events);
        await EngineRun.RunAsync(server, sink, new EngineLoad(endpoints, events) { Publish = form }, profile: false, cancel);

        var bare = new List<double>();
        var before = await BareAsync(events);
        var ours = new List<EngineFigures>();
        for (var run = 1; run <= runs; run++)
        {
            var figures = await EngineRun.RunAsync(server, sink, new EngineLoad(endpoints, events) { Publish = form }, profile, cancel);
            ours.Add(figures);
            // A machine is not as fast in one minute as in the next: what ran just before and just after says how fast it was meanwhile.
            var after = await BareAsync(events);
            bare.Add((before + after) / 2);
            before = after;
            report.Require(
                figures.Settled == events && figures.Sink.IsInOrder(events),
                $"run {run}: {events} published, {figures.Settled} settled, sink {figures.Sink}");
            Report.Progress(string.Create(CultureInfo.InvariantCulture,
                $"run {run}: bare {bare[^1]:F0}/s, ours {events / figures.Elapsed.TotalSeconds:F0}/s, ratio {events / figures.Elapsed.TotalSeconds / bare[^1]:F3}; published at {events / figures.Published.TotalSeconds:F0}/s; CPU of this process {figures.CpuSeconds:F1} s of {figures.Elapsed.TotalSeconds:F1} s"));
        }

        var rates = new Distribution(ours.Select(figures => events / figures.Elapsed.TotalSeconds));
        var ratios = new Distribution(ours.Select((figures, i) => events / figures.Elapsed.TotalSeconds / bare[i]));
        report.Add(string.Create(CultureInfo.InvariantCulture, $"strict_{endpoints}_vs_bare"), ratios.Median, $"median of {runs} runs, each against the mean of the bare loops just before and after it");
        report.Add("ratio_min", ratios.Min, "");
        report.Add("ratio_max", ratios.Max, "");
        report.Add("delivered_per_s", rates.Median, "published, delivered and settled, end to end", 0);
        report.Add("bare_per_s", new Distribution(bare).Median, "signed and posted, without a database", 0);
        report.Add("published_per_s", new Distribution(ours.Select(figures => events / figures.Published.TotalSeconds)).Median,
            form == PublishForm.Group ? "512 concurrent publishers share commits" : "4 publishers, transactions of 100 events", 0);
        if (server.CountsStatements)
            report.Add("statements_per_event", Median(figures => (double)figures.Server.Statements / events), "pg_stat_statements, the publishers' included");
        else
            report.Add("statements_per_event", "unknown", "the extension pg_stat_statements is not installed");
        report.Add("transactions_per_event", Median(figures => (double)figures.Server.Transactions / events), "pg_stat_database");
        report.Add("wal_bytes_per_event", Median(figures => (double)figures.Server.WalBytes / events), "the event itself included", 0);
        report.Add("rss_mb", Median(figures => figures.RssMegabytes), "of this process: publisher, dispatcher and bench", 0);
        report.Add("repeated", ours.Sum(figures => figures.Sink.Repeated), "deliveries that the sink had had before");
        report.Add("events", events, "each run: published = received = settled, none out of order");
        return report.Finish();

        double Median(Func<EngineFigures, double> figure) => new Distribution(ours.Select(figure)).Median;

        async Task<double> BareAsync(int count)
        {
            await sink.ResetAsync(endpoints, count, cancel);
            var elapsed = await BareLoop.RunAsync(sink.Urls(endpoints), count, cancel);
            var counts = await sink.CountAsync(cancel);
            report.Require(counts.IsInOrder(count), $"bare loop: {count} sent, sink {counts}");
            return count / elapsed.TotalSeconds;
        }
    }
}
