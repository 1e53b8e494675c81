using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Staging;

/// <summary>
/// A database with dispatcher processes on it, and a platform in this process that publishes and does not deliver: so the dispatcher's memory and
/// processor time are its own.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(60);

    private readonly BenchServer _server;
    private readonly SinkProcess _sink;
    private readonly NpgsqlDataSource _anywhere;
    private readonly string _database;
    private readonly long _transactions;
    private readonly List<NodeProcess> _nodes;
    private ServerCounters? _before;
    private CpuUse? _cpuBefore;
    private bool _closed;

    private Stage(BenchServer server, SinkProcess sink, NpgsqlDataSource anywhere, string database, long transactions, List<NodeProcess> nodes, BenchPlatform platform) =>
        (_server, _sink, _anywhere, _database, _transactions, _nodes, Platform) = (server, sink, anywhere, database, transactions, nodes, platform);

    public BenchPlatform Platform { get; }

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>Starts so many processes on a database that has been set up and that nobody is connected to.</summary>
    public static async Task<Stage> StartAsync(BenchServer server, SinkProcess sink, NodeSettings settings, int nodes, CancellationToken cancel)
    {
        var anywhere = NpgsqlDataSource.Create(server.Postgres.ConnectionString);
        var database = new NpgsqlConnectionStringBuilder(settings.ConnectionString).Database!;
        var transactions = await ServerCounters.TransactionsAsync(anywhere, database, cancel);
        var platform = await BenchPlatform.StartWithoutWorkerAsync(settings.ConnectionString, cancel);
        await platform.ExecuteAsync("CREATE TABLE IF NOT EXISTS flushed (at timestamptz)", cancel);
        var stage = new Stage(server, sink, anywhere, database, transactions, [], platform);
        try
        {
            for (var node = 0; node < nodes; node++) stage._nodes.Add(await NodeProcess.StartAsync(settings, cancel));
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>What is measured begins here.</summary>
    public async Task BeginAsync(CancellationToken cancel)
    {
        if (_server.CountsStatements) await Platform.ExecuteAsync("SELECT pg_stat_statements_reset()", cancel);
        foreach (var node in _nodes) ResidentMemory.ResetPeak(node.ProcessId);
        _before = await ServerCounters.ReadAsync(Platform.Data, _server.CountsStatements);
        _cpuBefore = Cpu();
    }

    /// <summary>The processes' counts together.</summary>
    public async Task<NodeCounts> CountAsync(CancellationToken cancel) =>
        (await Task.WhenAll(_nodes.Select(node => node.CountAsync(cancel)))).Aggregate(NodeCounts.None, (sum, counts) => sum + counts);

    /// <summary>Waits until a count is reached, tells how it goes, and gives up after <paramref name="most"/> or when it stands still for a minute.</summary>
    public async Task<NodeCounts> WaitAsync(string what, Func<NodeCounts, long> count, long target, TimeSpan most, CancellationToken cancel)
    {
        var (began, told, moved, last) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp(), -1L);
        while (true)
        {
            var counts = await CountAsync(cancel);
            var now = count(counts);
            if (now != last) (last, moved) = (now, Stopwatch.GetTimestamp());
            if (now >= target || Stopwatch.GetElapsedTime(began) > most || Stopwatch.GetElapsedTime(moved) > Stall) return counts;
            if (Stopwatch.GetElapsedTime(told) > TimeSpan.FromSeconds(5))
            {
                told = Stopwatch.GetTimestamp();
                Report.Progress(string.Create(CultureInfo.InvariantCulture, $"    {what}: {now} of {target}"));
            }

            await Task.Delay(20, cancel);
        }
    }

    /// <summary>Settles commit without waiting for the disk; this waits, and with it all before it.</summary>
    public Task FlushAsync(CancellationToken cancel) => Platform.ExecuteAsync("INSERT INTO flushed VALUES (now())", cancel);

    /// <summary>Prints the statements that took most of the server's time since <see cref="BeginAsync"/>.</summary>
    public Task ProfileAsync() => _server.CountsStatements ? ServerCounters.PrintTopAsync(Platform.Data) : Task.CompletedTask;

    /// <summary>What it took since <see cref="BeginAsync"/>. Stops everything, for only then has every connection told its transactions.</summary>
    public async Task<StageCosts> FinishAsync(CancellationToken cancel)
    {
        var cpu = Cpu() - _cpuBefore!;
        var server = await ServerCounters.ReadAsync(Platform.Data, _server.CountsStatements) - _before!;
        var rss = _nodes.Max(node => ResidentMemory.PeakMegabytes(node.ProcessId));
        await CloseAsync();
        var transactions = await ServerCounters.TransactionsAsync(_anywhere, _database, cancel) - _transactions;
        return new StageCosts(server with { Transactions = transactions }, rss, cpu);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _anywhere.DisposeAsync();
    }

    private CpuUse Cpu()
    {
        var (sender, rest) = (0.0, CpuUse.Read(_nodes[0].ProcessId, _server.Postgres.ProcessId, _sink.ProcessId));
        foreach (var node in _nodes.Skip(1)) sender += CpuUse.Read(node.ProcessId, _server.Postgres.ProcessId, _sink.ProcessId).Sender;
        return rest with { Sender = rest.Sender + sender };
    }

    private async Task CloseAsync()
    {
        if (_closed) return;
        _closed = true;
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
        await Platform.DisposeAsync();
    }
}
