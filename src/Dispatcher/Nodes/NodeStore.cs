using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Nodes;

/// <summary>What a renewal has found.</summary>
/// <param name="Recalled">Leases of this node, in which something changed since they were taken.</param>
/// <param name="Nodes">All nodes, those that have expired among them.</param>
internal sealed record Renewal(IReadOnlyList<HeldLease> Recalled, IReadOnlyList<NodeLoad> Nodes);

/// <summary>The nodes in the database: one comes, renews, is taken over, goes.</summary>
internal sealed class NodeStore(WebhookDatabase database, DatabaseClock clock, TimeProvider time, IOptions<WebhookDispatcherOptions> options)
{
    private static readonly string Name = $"{Environment.MachineName}:{Environment.ProcessId}";

    private DeliveryOptions Options => options.Value.Delivery;

    /// <summary>Measures how far the database's clock is ahead.</summary>
    public async Task MeasureClockAsync(CancellationToken cancel)
    {
        await using var connection = await database.OpenAsync(cancel);
        // Measured without the opening: half of that would go into every timestamp.
        var began = time.GetTimestamp();
        await using var now = new NpgsqlCommand("SELECT clock_timestamp()", connection);
        var reading = (DateTime)(await now.ExecuteScalarAsync(cancel))!;
        clock.Measured(reading, time.GetElapsedTime(began));
    }

    public async Task JoinAsync(Guid node, CancellationToken cancel)
    {
        await using var command = database.Command("Nodes/join", node, Name, Options.LeaseDuration, Options.MaxLeases);
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Renews a node's lease: one row. Null when the row has gone, and all that was leased with it.</summary>
    public async Task<Renewal?> RenewAsync(Guid node, int leases, bool leaving, CancellationToken cancel)
    {
        await using var connection = await database.OpenAsync(cancel);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                // Committed before the next step reads: what a pause left to a node that had expired must be seen by one that renews after all.
                WebhookDatabase.Begin,
                database.Step("Nodes/renew", node, Options.LeaseDuration, leases, leaving),
                WebhookDatabase.Literal("COMMIT"),
                database.Step("Delivery/read_recalled", node),
                database.Step("Nodes/read_nodes"),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        var isThere = await reader.ReadAsync(cancel);
        await reader.NextResultAsync(cancel);
        var recalled = new List<HeldLease>();
        while (await reader.ReadAsync(cancel)) recalled.Add(new HeldLease(reader.GetInt64(0), reader.GetInt64(1)));
        await reader.NextResultAsync(cancel);
        var nodes = new List<NodeLoad>();
        while (await reader.ReadAsync(cancel))
            nodes.Add(new NodeLoad(reader.GetGuid(0), reader.GetInt32(1), reader.GetInt32(2), reader.GetBoolean(3), reader.GetTimeSpan(4)));
        return isThere ? new Renewal(recalled, nodes) : null;
    }

    /// <summary>Frees what nodes had leased that have expired.</summary>
    /// <returns>How many endpoints were freed.</returns>
    public Task<int> TakeOverAsync(CancellationToken cancel) => EndAsync(database.Step("Nodes/lock_expired"), cancel);

    /// <summary>Hands back all that is leased to a node, at once, and takes it off the list.</summary>
    public Task<int> LeaveAsync(Guid node, CancellationToken cancel) => EndAsync(database.Step("Nodes/lock_node", node), cancel);

    private async Task<int> EndAsync(NpgsqlBatchCommand lockNodes, CancellationToken cancel)
    {
        var nodes = new List<Guid>();
        await using var connection = await database.OpenAsync(cancel);
        await using (var begin = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                // Suspended at this point, it must not keep the dead nodes' endpoints from the others for long.
                WebhookDatabase.Literal("SET LOCAL idle_in_transaction_session_timeout = '2s'"),
                lockNodes,
            },
        })
        await using (var reader = await begin.ExecuteReaderAsync(cancel))
        {
            while (await reader.ReadAsync(cancel)) nodes.Add(reader.GetGuid(0));
        }

        await using var free = new NpgsqlBatch(connection);
        if (nodes.Count > 0)
        {
            free.BatchCommands.Add(database.Step("Delivery/free_leases", nodes.ToArray()));
            free.BatchCommands.Add(database.Step("Nodes/delete", nodes.ToArray()));
        }

        free.BatchCommands.Add(WebhookDatabase.Literal("COMMIT"));
        await free.ExecuteNonQueryAsync(cancel);
        return nodes.Count > 0 ? free.BatchCommands[0].RecordsAffected : 0;
    }
}
