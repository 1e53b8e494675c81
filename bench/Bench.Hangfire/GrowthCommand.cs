using System.CommandLine;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Throughput;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Hangfire;

/// <summary>
/// What a million events leave behind in Hangfire's tables. After each part of them an hour passes, as far as Hangfire can tell: the jobs' time of expiry is set back by one, and
/// its own clean-up, which comes sooner here than by default, removes them.
/// </summary>
internal static class GrowthCommand
{
    private const string Leased = "SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL";
    private static readonly TimeSpan CleanUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static Command Create()
    {
        var events = WholeNumber.Option("--events", "Events in all", 1_000_000);
        var parts = WholeNumber.Option("--parts", "In so many parts, an hour after each", 4);
        var endpoints = WholeNumber.Option("--endpoints", "Strict endpoints", 200);
        var command = new Command("growth", "Hangfire's tables after a million events") { events, parts, endpoints, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
            RunAsync(parsed.GetValue(events), parsed.GetValue(parts), parsed.GetValue(endpoints), report, cancel)));
        return command;
    }

    private static async Task RunAsync(int events, int parts, int endpoints, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var connectionString = await server.CreateDatabaseAsync(cancel);
        WebhookApplicationId[] applications;
        await using (var setup = await BenchPlatform.StartAsync(connectionString, cancel))
            applications = await setup.AddApplicationsAsync(sink.Urls(endpoints), cancel);
        await using var platform = await BenchPlatform.StartAsync(
            connectionString, cancel, host: (builder, database) => HangfireServers.AddTo(builder, database, CleanUp));
        await sink.ResetAsync(endpoints, 0, cancel);
        var tables = new HangfireTables(platform);
        var (before, peak, first, after) = (await tables.SizeAsync(cancel), TableSize.None, TableSize.None, TableSize.None);
        var published = 0;
        using var settled = new SettledCount(long.MaxValue);
        for (var part = 1; part <= parts; part++)
        {
            var many = (int)((long)events * part / parts) - published;
            var begun = published;
            await PublishLoad.InGroupAsync(
                platform, many, n => new EventToPublish(applications[(begun + n) % endpoints], Payload.EventType, Payload.Data(begun + n)), cancel);
            published += many;
            await UntilAsync(() => Task.FromResult(settled.Settled >= published), $"{published} events are settled");
            // At rest, so that the next part needs jobs as this one did.
            await UntilAsync(async () => await platform.CountAsync(Leased, cancel) == 0, "no endpoint lingers");
            await UntilAsync(async () => await tables.UnfinishedAsync(cancel) == 0, "all jobs have ended");
            var full = await tables.SizeAsync(cancel);
            if (full.Rows > peak.Rows) peak = full;
            var jobs = await tables.LetAnHourPassAsync(cancel);
            await UntilAsync(
                async () => await tables.LeftAsync(jobs, cancel) == 0 && await tables.CountersAsync(cancel) == 0,
                "the jobs of the hour before are removed, and what was counted of them added up");
            await tables.VacuumAsync(cancel);
            after = await tables.SizeAsync(cancel);
            if (part == 1) first = after;
            var sum = await tables.MadeAsync(cancel);
            Report.Progress(string.Create(CultureInfo.InvariantCulture,
                $"  {published} events, {sum} jobs so far; {full.Rows} rows, {full.Bytes / 1024} KiB; an hour later {after.Rows}, {after.Bytes / 1024} KiB"));
        }

        var (inStreams, arrived) = (await platform.SettledAsync(cancel), await sink.CountAsync(cancel));
        report.Require(inStreams == published && arrived.IsInOrder(published), $"{published} published, {inStreams} settled, sink {arrived}");
        var made = await tables.MadeAsync(cancel);
        report.Add("events", published, "published = received in order = settled");
        report.Add("hangfire_jobs", made, "jobs made for them, those of sweeps and maintenance included");
        report.Add("hangfire_jobs_per_1000_events", made * 1000.0 / published, "", 2);
        report.Add("hangfire_jobs_left", await tables.LeftAsync(made, cancel, expired: true), "of them, those that have expired and are still there");
        Add("before", before, "before the first event");
        Add("peak", peak, "at most, of one part");
        Add("after_first", first, "an hour after the first part");
        Add("after", after, "an hour after the last part");
        report.Add("hangfire", HangfireServers.Settings, "");
        report.Add("clean_up_s", (long)CleanUp.TotalSeconds, "JobExpirationCheckInterval and CountersAggregateInterval, by default an hour and 5 min");

        void Add(string when, TableSize size, string meaning)
        {
            report.Add("hangfire_rows_" + when, size.Rows, "rows in all of Hangfire's tables, " + meaning);
            report.Add("hangfire_bytes_" + when, size.Bytes, "their size with indexes");
        }

        async Task UntilAsync(Func<Task<bool>> condition, string what)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(Patience);
            while (!await condition())
            {
                if (patience.IsCancellationRequested) throw new TimeoutException($"In {Patience} it did not come about that {what}.");
                await Task.Delay(100, cancel);
            }
        }
    }
}
