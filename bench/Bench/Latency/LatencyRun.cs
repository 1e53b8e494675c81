using System.Diagnostics;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Latency;

/// <summary>An event's appointed time, and when its commit returned.</summary>
internal sealed class Moment(int n)
{
    public int N => n;

    public long Scheduled { get; set; }

    public long Committed { get; set; }
}

/// <summary>Single events, each published at its appointed time, whatever became of the one before; to the applications in turn.</summary>
internal sealed class LatencyRun(BenchPlatform platform, SinkProcess sink, IReadOnlyList<WebhookApplicationId> applications)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private int _next;

    /// <summary>How many so far.</summary>
    public int Published => _next;

    /// <summary>Publishes so many, and waits until they have come.</summary>
    public async Task<List<Moment>> PublishAsync(int events, TimeSpan interval, bool inTransaction, CancellationToken cancel)
    {
        var moments = Enumerable.Range(_next, events).Select(n => new Moment(n)).ToList();
        _next += events;
        var published = await Schedule.RunAsync(events, interval, (i, scheduled) =>
        {
            moments[i].Scheduled = scheduled;
            return inTransaction ? PublishInTransactionAsync(moments[i], cancel) : PublishAloneAsync(moments[i], cancel);
        }, cancel);
        await Task.WhenAll(published);
        await sink.WaitAsync(_next, Patience, cancel);
        return moments;
    }

    /// <summary>The table in which transactions of their own write a row beside the event.</summary>
    public Task PrepareAsync(CancellationToken cancel) => platform.ExecuteAsync("CREATE TABLE orders (n integer PRIMARY KEY)", cancel);

    public static void Add(Report report, string prefix, string form, List<Moment> moments, long[] arrivals)
    {
        var receipt = new Distribution(moments.Select(moment => Distribution.Milliseconds(moment.Committed, arrivals[moment.N])));
        var whole = new Distribution(moments.Select(moment => Distribution.Milliseconds(moment.Scheduled, arrivals[moment.N])));
        report.Add(prefix + "p50_ms", receipt.Median, $"{form}: commit returned to first body byte");
        report.Add(prefix + "p99_ms", receipt.Percentile(0.99), "");
        report.Add(prefix + "max_ms", receipt.Max, "");
        report.Add(prefix + "scheduled_p50_ms", whole.Median, "from the appointed time, so with the publisher's own commit");
        report.Add(prefix + "scheduled_p99_ms", whole.Percentile(0.99), "");
    }

    private EventToPublish Event(Moment moment) => new(applications[moment.N % applications.Count], Payload.EventType, Payload.Data(moment.N));

    private async Task PublishAloneAsync(Moment moment, CancellationToken cancel)
    {
        await platform.Publisher.PublishAsync(Event(moment), cancel);
        moment.Committed = Stopwatch.GetTimestamp();
    }

    private async Task PublishInTransactionAsync(Moment moment, CancellationToken cancel)
    {
        await using (var connection = await platform.Data.OpenConnectionAsync(cancel))
        await using (var transaction = await connection.BeginTransactionAsync(cancel))
        {
            await using (var insert = new NpgsqlCommand("INSERT INTO orders (n) VALUES ($1)", connection, transaction) { Parameters = { new() { Value = moment.N } } })
                await insert.ExecuteNonQueryAsync(cancel);
            await platform.Publisher.PublishAsync(Event(moment), transaction, cancel);
            await transaction.CommitAsync(cancel);
            moment.Committed = Stopwatch.GetTimestamp();
        }

        await platform.Publisher.WakeAsync(cancel);
    }
}
