using Npgsql;
using Webhooks.Bench.Backlog;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;
using Webhooks.Dispatcher;
using Webhooks.Signing;

namespace Webhooks.Bench.Idle;

/// <summary>Endpoints by the thousand, a dispatcher in a process of its own, and nothing published.</summary>
internal static class IdleRun
{
    private const int MostApplications = 1000;
    private const int WarmUpLooks = 2000;

    // An endpoint's feed answers ten looks a second, and asks whoever comes more often to wait.
    private const int WarmUpLooksOfEach = 5;

    // What creating them left to do is done: endpoints idle, statistics kept, dirty pages written.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<(QuietFigures Quiet, QuietFigures? Probed, double Rss)> RunAsync(
        BenchServer server, SinkProcess sink, int endpoints, IdlePlan plan, Report report, CancellationToken cancel)
    {
        var connectionString = await server.CreateDatabaseAsync(cancel);
        var secret = await SetUpAsync(connectionString, sink, endpoints, cancel);
        await using var node = await NodeProcess.StartAsync(new NodeSettings(connectionString, OtherHost: plan.OtherHost), cancel);
        var probed = new List<WebhookEndpointId>();
        await using (var data = NpgsqlDataSource.Create(connectionString))
        {
            await InForceAsync(data, cancel);
            await ExecuteAsync(data, "VACUUM ANALYZE", cancel);
            await ExecuteAsync(data, "CHECKPOINT", cancel);
            await using var command = data.CreateCommand("SELECT id FROM webhooks.endpoint ORDER BY endpoint LIMIT $1");
            command.Parameters.Add(new NpgsqlParameter { Value = plan.Receivers });
            await using var reader = await command.ExecuteReaderAsync(cancel);
            while (await reader.ReadAsync(cancel)) probed.Add(WebhookEndpointId.Parse(reader.GetString(0)));
        }

        await Task.Delay(Settling, cancel);
        Report.Progress($"  {plan.Window.TotalSeconds} s of quiet ...");
        ResidentMemory.ResetPeak(node.ProcessId);
        await using var watching = NpgsqlDataSource.Create(connectionString);
        if (plan.Profile && server.CountsStatements) await ExecuteAsync(watching, "SELECT pg_stat_statements_reset()", cancel);
        var quiet = await QuietWindow.MeasureAsync(connectionString, server.CountsStatements, Cpu, () => Task.Delay(plan.Window, cancel), cancel);
        if (plan.Profile && server.CountsStatements) await ServerCounters.PrintTopAsync(watching);
        QuietFigures? probes = null;
        if (secret is not null && probed.Count > 0)
        {
            Report.Progress($"  {plan.Window.TotalSeconds} s with {probed.Count} receivers that look every {plan.Every.TotalSeconds} s ...");
            // A process that has served receivers for long has compiled what it needs.
            await Parallel.ForAsync(0, Math.Min(WarmUpLooks, probed.Count * WarmUpLooksOfEach), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancel }, async (i, token) =>
                await new FeedStream(node.Client, probed[i % probed.Count], secret).ReadPageAsync(0, 1000, token));
            await Task.Delay(Settling / 2, cancel);
            var (sent, answered) = (0, 0);
            probes = await QuietWindow.MeasureAsync(
                connectionString, server.CountsStatements, Cpu,
                async () => (sent, answered) = await ProbeAsync(node, probed, secret, plan.Window, plan, cancel), cancel);
            report.Require(sent == answered, $"{endpoints} endpoints: {sent} looks at the feed, {answered} answered with an empty page that was verified");
        }

        return (quiet, probes, ResidentMemory.PeakMegabytes(node.ProcessId));

        CpuUse Cpu() => CpuUse.Read(node.ProcessId, server.Postgres.ProcessId, sink.ProcessId);
    }

    // Gives the secret, which is the same for all; none where there are no endpoints.
    private static async Task<WebhookSecret?> SetUpAsync(string connectionString, SinkProcess sink, int endpoints, CancellationToken cancel)
    {
        await using var setup = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel);
        if (endpoints == 0) return null;
        var applications = await setup.AddApplicationsAsync(Math.Min(endpoints, MostApplications), cancel);
        var model = await setup.AddEndpointAsync(applications[0], sink.Url(0), cancel);
        await BulkEndpoints.AddAsync(setup, model.Id, applications, sink.Origin + "/e/", 1, endpoints - 1, cancel);
        return model.Secret;
    }

    private static async Task InForceAsync(NpgsqlDataSource data, CancellationToken cancel)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (true)
        {
            await using var command = data.CreateCommand("SELECT count(*) FROM webhooks.stream WHERE NOT matching");
            var left = (long)(await command.ExecuteScalarAsync(cancel))!;
            if (left == 0) return;
            if (DateTimeOffset.UtcNow > until) throw new TimeoutException($"{left} endpoints were not put in force.");
            Report.Progress($"  {left} endpoints to be put in force ...");
            await Task.Delay(TimeSpan.FromSeconds(1), cancel);
        }
    }

    // Open loop, at the mean rate of them all; the receivers' jitter spreads them.
    private static async Task<(int Sent, int Answered)> ProbeAsync(
        NodeProcess node, List<WebhookEndpointId> endpoints, WebhookSecret secret, TimeSpan window, IdlePlan plan, CancellationToken cancel)
    {
        var between = plan.Every / endpoints.Count;
        var sent = Math.Max(1, (int)(window / between));
        var answered = 0;
        var looks = await Schedule.RunAsync(sent, between, async (i, _) =>
        {
            var stream = new FeedStream(node.Client, endpoints[(int)(i * 7919L % endpoints.Count)], secret);
            if (await stream.ReadPageAsync(0, 1000, cancel) == 0) Interlocked.Increment(ref answered);
        }, cancel);
        await Task.WhenAll(looks);
        return (sent, answered);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource data, string sql, CancellationToken cancel)
    {
        await using var command = data.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancel);
    }
}
