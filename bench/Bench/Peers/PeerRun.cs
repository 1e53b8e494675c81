using System.Diagnostics;
using Npgsql;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Peers;

/// <summary>What a run of a peer gave.</summary>
internal sealed record PeerFigures(int Events, TimeSpan Elapsed, long Enqueued, long Completed, SinkCounts Sink, CpuUse Cpu)
{
    public double PerSecond => Events / Elapsed.TotalSeconds;

    public bool IsBalanced => Enqueued == Events && Sink.IsComplete(Events) && Completed == Events;
}

/// <summary>
/// A peer end to end: from the first message enqueued to the last at the sink. That its completions are stored is waited for outside of
/// the time, and checked: asking its job table meanwhile would slow it.
/// </summary>
internal static class PeerRun
{
    // Node compiles what runs often; the dispatcher is warm when it is measured, so they are.
    private const int WarmUp = 4000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<PeerFigures> RunAsync(
        BenchServer server, SinkProcess sink, PeerPackages packages, Peer peer, int endpoints, int events, CancellationToken cancel)
    {
        var database = await server.CreateDatabaseAsync(cancel);
        var settings = peer.Settings.DeepClone().AsObject();
        settings["database"] = Url(database);
        settings["url"] = sink.Origin;
        settings["endpoints"] = endpoints;
        await using var process = await PeerProcess.StartAsync(packages, peer.Script, settings, cancel);
        await RunAsync(0, WarmUp);
        await sink.ResetAsync(endpoints, WarmUp + events, cancel);
        var cpuBefore = Cpu();
        var began = Stopwatch.GetTimestamp();
        var (enqueued, counts) = await RunAsync(WarmUp, events);
        var elapsed = Stopwatch.GetElapsedTime(began);
        var cpu = Cpu() - cpuBefore;
        await process.StopAsync(cancel);
        return new PeerFigures(events, elapsed, enqueued, await CompletedAsync(), counts, cpu);

        CpuUse Cpu() => CpuUse.Read(process.Id, server.Postgres.ProcessId, sink.ProcessId);

        async Task<(long Enqueued, SinkCounts Counts)> RunAsync(int first, int count)
        {
            if (first == 0) await sink.ResetAsync(endpoints, count, cancel);
            var enqueued = await process.EnqueueAsync(first, first + count, cancel);
            return (enqueued, await sink.WaitAsync(count, Patience, cancel));
        }

        async Task<long> CompletedAsync()
        {
            if (peer.CountCompleted is null) return events;
            await using var data = NpgsqlDataSource.Create(database);
            await using var command = data.CreateCommand(peer.CountCompleted);
            command.Parameters.Add(new NpgsqlParameter { Value = (long)(WarmUp + events) });
            return (long)(await command.ExecuteScalarAsync(cancel))! - WarmUp;
        }
    }

    private static string Url(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        return $"postgres://{Uri.EscapeDataString(parts.Username!)}:{Uri.EscapeDataString(parts.Password!)}@{parts.Host}:{parts.Port}/{parts.Database}";
    }
}
