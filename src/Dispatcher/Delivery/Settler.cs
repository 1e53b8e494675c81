using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Diagnostics;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>Moves cursors past what was delivered: one row for a run of events, one statement for many endpoints.</summary>
internal sealed class Settler(
    WebhookDatabase database, LeaseStore leases, IOptions<WebhookDispatcherOptions> options, TimeProvider time, DispatcherMetrics metrics) : IAsyncDisposable
{
    private readonly Batcher<Run, bool> _batcher =
        new(runs => SettleAsync(runs, database, leases.Owner, metrics), 2000, time, options.Value.Delivery.SettleInterval);

    /// <summary>Settles a run as delivered; false when the lease was lost, or the cursor moved from outside: then nothing was settled.</summary>
    public Task<bool> SettleAsync(EndpointLease lease, long first, long last, bool forgetFailures) =>
        _batcher.RunAsync(new Run(lease, first, last, forgetFailures));

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private static async Task<IReadOnlyList<bool>> SettleAsync(IReadOnlyList<Run> runs, WebhookDatabase database, Guid owner, DispatcherMetrics metrics)
    {
        var settled = new HashSet<(long, long)>();
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using (var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                // Losing the last of these to a crash of the server means sending again, which receivers bear; waiting for the disk gains nothing.
                WebhookDatabase.Literal("SET LOCAL synchronous_commit = off"),
                database.Step(
                    "Delivery/settle", owner, runs.Select(run => run.Lease.Endpoint).ToArray(), runs.Select(run => run.Lease.LeaseEpoch).ToArray(),
                    runs.Select(run => run.Lease.Version).ToArray(), runs.Select(run => run.First).ToArray(), runs.Select(run => run.Last).ToArray(),
                    runs.Select(run => run.ForgetFailures).ToArray()),
                WebhookDatabase.Literal("COMMIT"),
            },
        })
        await using (var reader = await batch.ExecuteReaderAsync(CancellationToken.None))
        {
            while (await reader.ReadAsync(CancellationToken.None)) settled.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        metrics.Settled(runs.Where(run => settled.Contains((run.Lease.Endpoint, run.Lease.LeaseEpoch))).Sum(run => run.Last - run.First + 1));
        return runs.Select(run => settled.Contains((run.Lease.Endpoint, run.Lease.LeaseEpoch))).ToList();
    }

    private sealed record Run(EndpointLease Lease, long First, long Last, bool ForgetFailures);
}
