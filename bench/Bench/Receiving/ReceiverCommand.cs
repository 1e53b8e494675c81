using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Signing;

namespace Webhooks.Bench.Receiving;

/// <summary>The receiver's steps, each beside what it cannot do without, in turn in the same run.</summary>
internal static class ReceiverCommand
{
    private const int AtOnce = 64;
    private const string Verify = "verify", Null = "null", PostgreSql = "pg", Sqlite = "sqlite", Backfill = "backfill";
    private static readonly string[] Parts = [Verify, Null, PostgreSql, Sqlite, Backfill];
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static Command Create()
    {
        var rounds = WholeNumber.Option("--rounds", "Rounds of each kind, in turn, of which the median is taken", 40);
        var requests = WholeNumber.Option("--requests", "Requests in each round", 5_000);
        var backfill = WholeNumber.Option("--backfill", "Events to backfill, in thousands", 100);
        var parts = new Option<string[]>("--part") { Description = $"Only this part, to look into it: {string.Join(", ", Parts)}; may be given several times", DefaultValueFactory = _ => Parts };
        parts.AcceptOnlyFromAmong(Parts);
        var command = new Command("receiver", "Verifying, intake, processing and backfill of the receiver") { rounds, requests, backfill, parts, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report => MeasureAsync(
            report, parsed.GetValue(parts)!, parsed.GetValue(rounds), parsed.GetValue(requests), parsed.GetValue(backfill) * 1000, cancel)));
        return command;
    }

    private static async Task MeasureAsync(Report report, string[] parts, int rounds, int requests, int backfill, CancellationToken cancel)
    {
        var secret = WebhookSecret.Generate();
        if (parts.Contains(Verify)) VerifyRounds.Run(report, rounds);
        var intake = new IntakeRounds(report, secret, requests, rounds, AtOnce);
        if (parts.Contains(Null))
        {
            await intake.CompareAsync(
                "intake_null_vs_bare", "target at least 0.85", new(TargetKind.Bare, "", secret.Reveal()), new(TargetKind.Null, "", secret.Reveal()), cancel);
        }

        var folder = Directory.CreateTempSubdirectory("webhooks-bench-");
        try
        {
            if (parts.Contains(Sqlite))
            {
                var file = Path.Combine(folder.FullName, "inbox.db");
                await intake.MeasureAsync(new(TargetKind.Sqlite, file, secret.Reveal()), cancel);
                await ProcessAsync(report, "processing_sqlite_per_s", new(TargetKind.Sqlite, file, secret.Reveal(), Handles: true), (rounds + IntakeRounds.WarmUp) * requests, cancel);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        if (!parts.Contains(PostgreSql) && !parts.Contains(Backfill)) return;
        await using var server = await BenchServer.StartAsync(cancel);
        if (parts.Contains(PostgreSql))
        {
            var store = await server.CreateDatabaseAsync(cancel);
            await intake.CompareAsync(
                "intake_pg_vs_insert", "target at least 1.2", new(TargetKind.Insert, await server.CreateDatabaseAsync(cancel), secret.Reveal()),
                new(TargetKind.PostgreSql, store, secret.Reveal()), cancel);
            await ProcessAsync(report, "processing_pg_per_s", new(TargetKind.PostgreSql, store, secret.Reveal(), Handles: true), (rounds + IntakeRounds.WarmUp) * requests, cancel);
        }

        if (parts.Contains(Backfill)) await BackfillAsync(report, secret, await server.CreateDatabaseAsync(cancel), backfill, cancel);
        report.Add("fsync_ms", Disk.FsyncMilliseconds(server.Postgres.DataDirectory), "median of writing and syncing 8 KiB here");
    }

    /// <summary>How fast what is stored is handled, each event in a transaction of its own, in order.</summary>
    private static async Task ProcessAsync(Report report, string key, TargetSettings settings, long stored, CancellationToken cancel)
    {
        Report.Progress($"Processing, {settings.Kind} ...");
        await using var target = await TargetProcess.StartAsync(settings, cancel);
        // A part of them is enough, where each waits for the disk.
        var most = Stopwatch.StartNew();
        var (first, began) = (await target.CountsAsync(cancel), Stopwatch.GetTimestamp());
        var last = first;
        while (last.Processed < stored && most.Elapsed < TimeSpan.FromSeconds(15))
        {
            await Task.Delay(Look, cancel);
            last = await target.CountsAsync(cancel);
        }

        var handled = last.Processed - first.Processed;
        report.Require(handled > 0, $"nothing was processed on {settings.Kind}");
        report.Add(key, handled / Stopwatch.GetElapsedTime(began).TotalSeconds, $"events handled in order, one transaction each ({handled} of them)", 0);
    }

    private static async Task BackfillAsync(Report report, WebhookSecret secret, string store, int events, CancellationToken cancel)
    {
        Report.Progress("Backfill ...");
        await using var feed = await FeedOfMany.StartAsync(secret, events, cancel);
        await using var target = await TargetProcess.StartAsync(new(TargetKind.PostgreSql, store, secret.Reveal(), feed.Address), cancel);
        var waited = Stopwatch.StartNew();
        while ((await target.CountsAsync(cancel)).Backfilled < events && waited.Elapsed < Patience) await Task.Delay(Look, cancel);
        var took = Stopwatch.GetElapsedTime(feed.First);
        var stored = (await target.CountsAsync(cancel)).Backfilled;
        report.Require(stored == events, string.Create(CultureInfo.InvariantCulture, $"{stored} of {events} were backfilled"));
        report.Add("backfill_events", stored, "events of about 1 KB, a thousand a page, from a feed that allows ten requests a second");
        report.Add("backfill_per_s", stored / took.TotalSeconds, "stored in PostgreSQL, from the first request on; target at least 10,000", 0);
        report.Add("backfill_refused", feed.Refused, "requests that the feed's limit refused");
        report.Add("backfill_cpu_s", target.Cpu.TotalSeconds, "processor time of the receiver's process, start included");
    }
}
