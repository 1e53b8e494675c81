using System.Diagnostics;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Throughput;

/// <summary>What the dispatcher has to deliver.</summary>
/// <param name="Endpoints">Endpoints, each of an application of its own; events go to them in turn.</param>
/// <param name="Events">In all.</param>
internal sealed record EngineLoad(int Endpoints, int Events)
{
    public TimeSpan SinkLatency { get; init; }

    public PublishForm Publish { get; init; }

    /// <summary>Whether the sink must get each stream in order.</summary>
    public bool InOrder { get; init; } = true;

    /// <summary>What delivers in place of the in-box worker.</summary>
    public HostSetup? Host { get; init; }

    /// <summary>Makes the endpoints something else than strict.</summary>
    public Func<EndpointSettings, EndpointSettings>? Settings { get; init; }
}

/// <summary>What a run of the dispatcher gave.</summary>
internal sealed record EngineFigures(
    int Events, TimeSpan Published, TimeSpan Elapsed, ServerCounters Server, long Settled, SinkCounts Sink, double RssMegabytes, CpuUse Cpu)
{
    public double PerSecond => Events / Elapsed.TotalSeconds;
}

/// <summary>Everything at once: publishing, database, dispatcher, sink. From the first publish to where the last settle is on the disk.</summary>
internal static class EngineRun
{
    private const int PublishersInGroup = 512;
    private const int PublishersOfTransactions = 4;
    private const int EventsInTransaction = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<EngineFigures> RunAsync(
        BenchServer server, SinkProcess sink, EngineLoad load, bool profile, CancellationToken cancel)
    {
        var (endpoints, events) = (load.Endpoints, load.Events);
        var connectionString = await server.CreateDatabaseAsync(cancel);
        WebhookApplicationId[] applications;
        await using (var setup = await BenchPlatform.StartAsync(connectionString, cancel))
            applications = await setup.AddApplicationsAsync(sink.Urls(endpoints), cancel, load.Settings);
        await using var anywhere = NpgsqlDataSource.Create(server.Postgres.ConnectionString);
        var database = new NpgsqlConnectionStringBuilder(connectionString).Database!;
        var transactionsBefore = await ServerCounters.TransactionsAsync(anywhere, database, cancel);
        var figures = await MeasureAsync(connectionString, server, sink, load, applications, profile, cancel);
        var transactions = await ServerCounters.TransactionsAsync(anywhere, database, cancel) - transactionsBefore;
        return figures with { Server = figures.Server with { Transactions = transactions } };
    }

    private static async Task<EngineFigures> MeasureAsync(
        string connectionString, BenchServer server, SinkProcess sink, EngineLoad load, WebhookApplicationId[] applications, bool profile, CancellationToken cancel)
    {
        var (endpoints, events) = (load.Endpoints, load.Events);
        await using var platform = await BenchPlatform.StartAsync(connectionString, cancel, host: load.Host);
        await sink.ResetAsync(new SinkRun(endpoints, events) { Latency = load.SinkLatency }, cancel);
        await ExecuteAsync("CREATE TABLE flushed (at timestamptz)");
        if (server.CountsStatements) await ExecuteAsync("SELECT pg_stat_statements_reset()");
        using var settled = new SettledCount(events);
        var before = await ServerCounters.ReadAsync(platform.Data, server.CountsStatements);
        var cpuBefore = Cpu();

        var began = Stopwatch.GetTimestamp();
        await (load.Publish == PublishForm.Group ? PublishInGroupAsync() : PublishInTransactionsAsync());
        var published = Stopwatch.GetElapsedTime(began);
        await settled.WaitAsync(Patience, cancel);
        // Settles commit without waiting for the disk; this one waits, and with it all before it.
        await ExecuteAsync("INSERT INTO flushed VALUES (now())");
        var elapsed = Stopwatch.GetElapsedTime(began);

        var cpu = Cpu() - cpuBefore;
        var after = await ServerCounters.ReadAsync(platform.Data, server.CountsStatements);
        if (profile && server.CountsStatements) await ServerCounters.PrintTopAsync(platform.Data);
        return new EngineFigures(
            events, published, elapsed, after - before, await platform.SettledAsync(cancel), await sink.CountAsync(cancel),
            Environment.WorkingSet / 1048576.0, cpu);

        CpuUse Cpu() => CpuUse.Read(Environment.ProcessId, server.Postgres.ProcessId, sink.ProcessId);

        EventToPublish Event(int n) => new(applications[n % endpoints], Payload.EventType, Payload.Data(n));

        Task PublishInGroupAsync()
        {
            var next = -1;
            return Task.WhenAll(Enumerable.Range(0, PublishersInGroup).Select(_ => Task.Run(async () =>
            {
                for (var n = Interlocked.Increment(ref next); n < events; n = Interlocked.Increment(ref next))
                    await platform.Publisher.PublishAsync(Event(n), cancel);
            }, cancel)));
        }

        Task PublishInTransactionsAsync()
        {
            var next = -EventsInTransaction;
            return Task.WhenAll(Enumerable.Range(0, PublishersOfTransactions).Select(_ => Task.Run(async () =>
            {
                for (var first = Interlocked.Add(ref next, EventsInTransaction); first < events; first = Interlocked.Add(ref next, EventsInTransaction))
                {
                    await using var connection = await platform.Data.OpenConnectionAsync(cancel);
                    await using var transaction = await connection.BeginTransactionAsync(cancel);
                    await platform.Publisher.PublishAsync(
                        [.. Enumerable.Range(first, Math.Min(EventsInTransaction, events - first)).Select(Event)], transaction, cancel);
                    await transaction.CommitAsync(cancel);
                    await platform.Publisher.WakeAsync(cancel);
                }
            }, cancel)));
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = platform.Data.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(cancel);
        }
    }
}

/// <summary>How a run publishes.</summary>
internal enum PublishForm
{
    /// <summary>Concurrent single publishes that share commits.</summary>
    Group,

    /// <summary>Transactions of many events.</summary>
    Transactions,
}
