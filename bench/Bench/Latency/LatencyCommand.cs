using System.CommandLine;
using System.Diagnostics;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Latency;

/// <summary>
/// How long an event takes on an idle system, from where its commit has returned to the first byte of its body at the receiver. Open loop: each is
/// published at its appointed time, whatever became of the one before.
/// </summary>
internal static class LatencyCommand
{
    private const int WarmUp = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var count = WholeNumber.Option("--count", "Single events in each form", 200);
        var every = WholeNumber.Option("--every", "Milliseconds between two events", 50);
        var command = new Command("latency", "Commit to receipt of single events on an idle system") { count, every, Report.Json };
        command.SetAction((parsed, cancel) =>
            RunAsync(parsed.GetValue(count), TimeSpan.FromMilliseconds(parsed.GetValue(every)), new Report(parsed.GetValue(Report.Json)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(int count, TimeSpan every, Report report, CancellationToken cancel)
    {
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        await using var platform = await BenchPlatform.StartAsync(await server.CreateDatabaseAsync(cancel), cancel);
        await sink.ResetAsync(1, 2 * (WarmUp + count), cancel);
        var application = (await platform.AddApplicationsAsync(sink.Urls(1), cancel))[0];
        await using (var create = platform.Data.CreateCommand("CREATE TABLE orders (n integer PRIMARY KEY)")) await create.ExecuteNonQueryAsync(cancel);

        var next = 0;
        Report.Progress("Warming up ...");
        await PublishAsync(WarmUp, every / 5, PublishAloneAsync);
        await PublishAsync(WarmUp, every / 5, PublishInTransactionAsync);
        Report.Progress($"{count} events by group commit, one every {every.TotalMilliseconds} ms ...");
        var alone = await PublishAsync(count, every, PublishAloneAsync);
        Report.Progress($"{count} events in transactions of their own ...");
        var inTransaction = await PublishAsync(count, every, PublishInTransactionAsync);

        var counts = await sink.WaitAsync(next, Patience, cancel);
        var arrivals = await sink.ArrivalsAsync(cancel);
        report.Require(counts.IsInOrder(next), $"{next} published, but {counts}");
        if (arrivals.AsSpan().Contains(0)) return report.Finish();

        Add("", "group commit", alone);
        Add("tx_", "own transaction and WakeAsync", inTransaction);
        report.Add("fsync_ms", Disk.FsyncMilliseconds(server.Postgres.DataDirectory), "median of writing and syncing 8 KiB here");
        report.Add("events", next, "published = received, in order, the warm-up's included");
        return report.Finish();

        async Task PublishAloneAsync(Moment moment)
        {
            await platform.Publisher.PublishAsync(new EventToPublish(application, Payload.EventType, Payload.Data(moment.N)), cancel);
            moment.Committed = Stopwatch.GetTimestamp();
        }

        async Task PublishInTransactionAsync(Moment moment)
        {
            await using (var connection = await platform.Data.OpenConnectionAsync(cancel))
            await using (var transaction = await connection.BeginTransactionAsync(cancel))
            {
                await using (var insert = new NpgsqlCommand("INSERT INTO orders (n) VALUES ($1)", connection, transaction) { Parameters = { new() { Value = moment.N } } })
                    await insert.ExecuteNonQueryAsync(cancel);
                await platform.Publisher.PublishAsync(new EventToPublish(application, Payload.EventType, Payload.Data(moment.N)), transaction, cancel);
                await transaction.CommitAsync(cancel);
                moment.Committed = Stopwatch.GetTimestamp();
            }

            await platform.Publisher.WakeAsync(cancel);
        }

        async Task<List<Moment>> PublishAsync(int events, TimeSpan interval, Func<Moment, Task> publish)
        {
            var moments = Enumerable.Range(next, events).Select(n => new Moment(n)).ToList();
            next += events;
            var published = await Schedule.RunAsync(events, interval, (i, scheduled) =>
            {
                moments[i].Scheduled = scheduled;
                return publish(moments[i]);
            }, cancel);
            await Task.WhenAll(published);
            await sink.WaitAsync(next, Patience, cancel);
            return moments;
        }

        void Add(string prefix, string form, List<Moment> moments)
        {
            var receipt = new Distribution(moments.Select(moment => Distribution.Milliseconds(moment.Committed, arrivals[moment.N])));
            var whole = new Distribution(moments.Select(moment => Distribution.Milliseconds(moment.Scheduled, arrivals[moment.N])));
            report.Add(prefix + "p50_ms", receipt.Median, $"{form}: commit returned to first body byte");
            report.Add(prefix + "p99_ms", receipt.Percentile(0.99), "");
            report.Add(prefix + "max_ms", receipt.Max, "");
            report.Add(prefix + "scheduled_p50_ms", whole.Median, "from the appointed time, so with the publisher's own commit");
            report.Add(prefix + "scheduled_p99_ms", whole.Percentile(0.99), "");
        }
    }

    private sealed class Moment(int n)
    {
        public int N => n;

        public long Scheduled { get; set; }

        public long Committed { get; set; }
    }
}
