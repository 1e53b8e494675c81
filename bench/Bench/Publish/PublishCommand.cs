using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Publish;

/// <summary>
/// Publishers that each commit a business row and its event in a transaction of their own, with and without a NOTIFY in it. The dispatcher runs beside
/// them and numbers what they publish; no endpoint takes it, so that only publishing is measured.
/// </summary>
internal static class PublishCommand
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Command Create()
    {
        var publishers = WholeNumber.Option("--publishers", "Concurrent publishers", 64);
        var seconds = WholeNumber.Option("--seconds", "How long each run takes", 5);
        var runs = WholeNumber.Option("--runs", "Runs of each kind, in turn, of which the median is taken", 3);
        var command = new Command("publish", "Publishing in transactions of the caller's, with and without NOTIFY") { publishers, seconds, runs, Report.Json };
        command.SetAction((parsed, cancel) => RunAsync(
            parsed.GetValue(publishers), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(runs), new Report(parsed.GetValue(Report.Json)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(int publishers, TimeSpan duration, int runs, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        var (without, with) = (new List<Run>(), new List<Run>());
        Report.Progress("Warming up ...");
        await RunOnceAsync(notify: false, WarmUp);
        for (var i = 1; i <= runs; i++)
        {
            without.Add(await RunOnceAsync(notify: false, duration));
            with.Add(await RunOnceAsync(notify: true, duration));
            Report.Progress(string.Create(CultureInfo.InvariantCulture,
                $"run {i}: without NOTIFY {without[^1].PerSecond:F0}/s, p99 {without[^1].P99:F1} ms; with {with[^1].PerSecond:F0}/s, p99 {with[^1].P99:F1} ms"));
        }

        report.Add("none_per_s", Median(without, run => run.PerSecond), $"{publishers} publishers, a business row and an event in each transaction", 0);
        report.Add("notify_per_s", Median(with, run => run.PerSecond), "the same with NotifyInTransaction", 0);
        report.Add("notify_vs_none", new Distribution(with.Select((run, i) => run.PerSecond / without[i].PerSecond)).Median, "median over pairs of runs");
        report.Add("none_commit_p50_ms", Median(without, run => run.P50), "the commit alone");
        report.Add("none_commit_p99_ms", Median(without, run => run.P99), "");
        report.Add("notify_commit_p50_ms", Median(with, run => run.P50), "");
        report.Add("notify_commit_p99_ms", Median(with, run => run.P99), "");
        report.Add("fsync_ms", Disk.FsyncMilliseconds(server.Postgres.DataDirectory), "median of writing and syncing 8 KiB here");
        report.Add("events", without.Concat(with).Sum(run => run.Events), "committed = stored = sequenced");
        return report.Finish();

        static double Median(IEnumerable<Run> of, Func<Run, double> figure) => new Distribution(of.Select(figure)).Median;

        async Task<Run> RunOnceAsync(bool notify, TimeSpan length)
        {
            await using var platform = await BenchPlatform.StartAsync(
                await server.CreateDatabaseAsync(cancel), cancel, options => options.Publishing.NotifyInTransaction = notify);
            var application = (await platform.AddApplicationsAsync(1, cancel))[0];
            await using (var create = platform.Data.CreateCommand("CREATE TABLE orders (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL)"))
                await create.ExecuteNonQueryAsync(cancel);

            var began = Stopwatch.GetTimestamp();
            var commits = (await Task.WhenAll(Enumerable.Range(0, publishers).Select(i => Task.Run(() => PublishAsync(i), cancel)))).SelectMany(it => it).ToList();
            var elapsed = Stopwatch.GetElapsedTime(began);

            var counts = new long[3];
            for (var waited = Stopwatch.StartNew(); waited.Elapsed < Patience && counts[2] < commits.Count; await Task.Delay(50, cancel))
            {
                counts[0] = await platform.CountAsync("SELECT count(*) FROM orders", cancel);
                counts[1] = await platform.CountAsync("SELECT count(*) FROM webhooks.event", cancel);
                counts[2] = await platform.CountAsync("SELECT count(*) FROM webhooks.event_verdict WHERE verdict = 'unmatched'", cancel);
            }

            report.Require(
                counts.All(count => count == commits.Count), $"{commits.Count} committed; {counts[0]} business rows, {counts[1]} events, {counts[2]} sequenced");
            var distribution = new Distribution(commits);
            return new Run(commits.Count, commits.Count / elapsed.TotalSeconds, distribution.Median, distribution.Percentile(0.99));

            async Task<List<double>> PublishAsync(int publisher)
            {
                var times = new List<double>();
                var data = Payload.Data(publisher);
                while (Stopwatch.GetElapsedTime(began) < length)
                {
                    await using var connection = await platform.Data.OpenConnectionAsync(cancel);
                    await using var transaction = await connection.BeginTransactionAsync(cancel);
                    await using (var insert = new NpgsqlCommand("INSERT INTO orders (customer) VALUES ($1)", connection, transaction) { Parameters = { new() { Value = publisher } } })
                        await insert.ExecuteNonQueryAsync(cancel);
                    await platform.Publisher.PublishAsync(new EventToPublish(application, Payload.EventType, data), transaction, cancel);
                    var committing = Stopwatch.GetTimestamp();
                    await transaction.CommitAsync(cancel);
                    times.Add(Stopwatch.GetElapsedTime(committing).TotalMilliseconds);
                }

                return times;
            }
        }
    }

    private sealed record Run(long Events, double PerSecond, double P50, double P99);
}
