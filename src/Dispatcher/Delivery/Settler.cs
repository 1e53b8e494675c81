using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>Moves cursors past what was delivered: one row for a run of events, one statement for many endpoints.</summary>
internal sealed class Settler(
    WebhookDatabase database, LeaseStore leases, IOptions<WebhookDispatcherOptions> options, TimeProvider time, DispatcherMetrics metrics,
    EndpointTallies tallies) : IAsyncDisposable
{
    // A row costs the same for one event as for ten. Where many endpoints are sent to at a time, a longer wait has each settle more at once.
    private static readonly TimeSpan WaitPerRow = TimeSpan.FromMilliseconds(0.5);

    private readonly Batcher<Written, bool> _batcher =
        new(all => SettleAsync(all, database, leases.Owner, metrics, tallies), 2000, time, options.Value.Delivery.SettleInterval, WaitPerRow);

    /// <summary>Writes what came of sending; false when the lease was lost, or the cursor is not where it was left: then nothing was written.</summary>
    public Task<bool> SettleAsync(EndpointLease lease, Settlement settlement, bool forgetFailures) =>
        _batcher.RunAsync(new Written(lease, settlement, forgetFailures));

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private static async Task<IReadOnlyList<bool>> SettleAsync(IReadOnlyList<Written> all, WebhookDatabase database, Guid owner, DispatcherMetrics metrics, EndpointTallies tallies)
    {
        var settled = new HashSet<(long, long)>();
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using (var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                // Losing the last of these to a crash of the server means sending again, which receivers bear; waiting for the disk gains nothing.
                // The next one finds that the cursor is not where it was left, and writes nothing either: the stream is taken anew from there.
                WebhookDatabase.Literal(all.Any(ChangesMore) ? "SET LOCAL synchronous_commit = on" : "SET LOCAL synchronous_commit = off"),
                Step(all, database, owner),
                WebhookDatabase.Literal("COMMIT"),
            },
        })
        await using (var reader = await batch.ExecuteReaderAsync(CancellationToken.None))
        {
            while (await reader.ReadAsync(CancellationToken.None)) settled.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        metrics.Settled(all.Where(IsSettled).Sum(one => one.Settlement.Runs.Sum(run => run.Outcome == "delivered" ? run.Last - run.First + 1 : 0)));
        foreach (var one in all.Where(IsSettled))
            foreach (var run in one.Settlement.Runs) tallies.Settled(one.Lease.Endpoint, run.Outcome, run.Last - run.First + 1);
        return all.Select(IsSettled).ToList();

        bool IsSettled(Written one) => settled.Contains((one.Lease.Endpoint, one.Lease.LeaseEpoch));
    }

    /// <summary>Whether more would be lost than where the cursor stands: the end of retries, or of a row of failures.</summary>
    private static bool ChangesMore(Written one) => one.ForgetFailures || one.Settlement.Runs.Any(run => run.Ends);

    private static NpgsqlBatchCommand Step(IReadOnlyList<Written> all, WebhookDatabase database, Guid owner)
    {
        var rows = all.SelectMany(one => one.Settlement.Runs.Select((run, i) => (one.Lease, one.Settlement, run, Forget: one.ForgetFailures && i == 0))).ToList();
        return database.Step(
            "Delivery/settle", owner,
            rows.ConvertAll(row => row.Lease.Endpoint).ToArray(), rows.ConvertAll(row => row.Lease.LeaseEpoch).ToArray(),
            rows.ConvertAll(row => row.Lease.Version).ToArray(), rows.ConvertAll(row => row.run.First).ToArray(), rows.ConvertAll(row => row.run.Last).ToArray(),
            rows.ConvertAll(row => row.run.Outcome).ToArray(), rows.ConvertAll(row => row.run.Ends).ToArray(),
            rows.ConvertAll(row => row.Settlement.Cursor).ToArray(), rows.ConvertAll(row => Text(row.Settlement.Ahead)).ToArray(),
            rows.ConvertAll(row => row.Forget).ToArray(), rows.ConvertAll(row => row.Settlement.Follows).ToArray());
    }

    /// <summary>An array of arrays must have the same length in each; as text they need not.</summary>
    private static string Text(IReadOnlyCollection<long> ahead) =>
        ahead.Count == 0 ? "{}" : $"{{{string.Join(',', ahead.Select(seq => seq.ToString(CultureInfo.InvariantCulture)))}}}";

    private sealed record Written(EndpointLease Lease, Settlement Settlement, bool ForgetFailures);
}
