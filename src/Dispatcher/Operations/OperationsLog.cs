using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Operations;

/// <summary>What was read of the operational events, from one snapshot.</summary>
/// <param name="Events">The lowest numbers first.</param>
/// <param name="Complete">Whether there are no more.</param>
/// <param name="Xmin">The oldest transaction running.</param>
/// <param name="Horizon">A transaction id given out after the snapshot.</param>
internal sealed record OperationsRead(IReadOnlyList<WebhookOperationalEvent> Events, bool Complete, long Xmin, long Horizon);

/// <summary>The operational events as their observers read them: each has a position with the gaps below it, for transactions commit in another order than they drew their numbers.</summary>
internal sealed class OperationsLog(WebhookDatabase database)
{
    public const int PageSize = 100;

    /// <summary>Whether this process is the one that observes under this name, and where it stands then.</summary>
    public async Task<GapSet?> ClaimAsync(string name, Guid owner, TimeSpan lease, CancellationToken cancel)
    {
        await using var command = database.Command("Operations/claim_observer", name, owner, lease);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel)) return null;
        var (first, last, horizon) = (reader.GetFieldValue<long[]>(1), reader.GetFieldValue<long[]>(2), reader.GetFieldValue<long[]>(3));
        return new GapSet(reader.GetInt64(0), [.. first.Select((number, i) => new Gap(number, last[i], horizon[i]))]);
    }

    public async Task<OperationsRead> ReadAsync(NpgsqlConnection connection, GapSet state, CancellationToken cancel)
    {
        await using var command = database.Command(
            connection, "Operations/read_operational", state.Mark, state.Gaps.Select(gap => gap.First).ToArray(), state.Gaps.Select(gap => gap.Last).ToArray(), PageSize);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var events = new List<WebhookOperationalEvent>();
        var (xmin, horizon) = (0L, 0L);
        while (await reader.ReadAsync(cancel))
        {
            events.Add(new WebhookOperationalEvent
            {
                Number = reader.GetInt64(0),
                At = reader.GetFieldValue<DateTimeOffset>(1),
                Type = reader.GetString(2),
                Application = reader.IsDBNull(3) ? null : WebhookApplicationId.Parse(reader.GetString(3)),
                Endpoint = reader.IsDBNull(4) ? null : WebhookEndpointId.Parse(reader.GetString(4)),
                Actor = reader.GetString(5),
                Details = reader.GetString(6),
            });
            (xmin, horizon) = (reader.GetInt64(7), reader.GetInt64(8));
        }

        return new OperationsRead(events, events.Count < PageSize, xmin, horizon);
    }

    /// <summary>Moves the position. False when another process has taken it over meanwhile.</summary>
    public async Task<bool> StoreAsync(NpgsqlConnection connection, string name, Guid owner, GapSet state, TimeSpan lease, CancellationToken cancel)
    {
        await using var command = database.Command(
            connection, "Operations/store_observer", name, owner, state.Mark, state.Gaps.Select(gap => gap.First).ToArray(), state.Gaps.Select(gap => gap.Last).ToArray(),
            state.Gaps.Select(gap => gap.Horizon).ToArray(), lease);
        return await command.ExecuteScalarAsync(cancel) is not null;
    }

    public async Task ReleaseAsync(string name, Guid owner, CancellationToken cancel)
    {
        await using var command = database.Command("Operations/release_observer", name, owner);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
