using System.Globalization;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Hangfire;

/// <summary>How much there is in Hangfire's tables.</summary>
internal sealed record TableSize(long Rows, long Bytes)
{
    public static readonly TableSize None = new(0, 0);
}

/// <summary>Hangfire's tables in the dispatcher's database.</summary>
internal sealed class HangfireTables(BenchPlatform platform)
{
    private static readonly string[] Names = ["job", "jobparameter", "jobqueue", "state", "set", "hash", "list", "counter", "aggregatedcounter", "lock", "server"];

    public async Task<TableSize> SizeAsync(CancellationToken cancel)
    {
        var rows = await platform.CountAsync($"SELECT ({string.Join(" + ", Names.Select(name => $"(SELECT count(*) FROM hangfire.{name})"))})::bigint", cancel);
        var bytes = await platform.CountAsync(
            """
            SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'hangfire' AND c.relkind = 'r'
            """, cancel);
        return new TableSize(rows, bytes);
    }

    /// <summary>Jobs that are not done, but for those that wait for a time to come.</summary>
    public Task<long> UnfinishedAsync(CancellationToken cancel) =>
        platform.CountAsync("SELECT count(*) FROM hangfire.job WHERE statename IN ('Enqueued', 'Processing')", cancel);

    /// <summary>The number of the last job made.</summary>
    public Task<long> MadeAsync(CancellationToken cancel) => platform.CountAsync("SELECT last_value FROM hangfire.job_id_seq", cancel);

    /// <summary>Jobs up to a number that are still there; with <paramref name="expired"/>, those that should not be.</summary>
    public Task<long> LeftAsync(long upTo, CancellationToken cancel, bool expired = false) => platform.CountAsync(
        string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM hangfire.job WHERE id <= {upTo}")
        + (expired ? " AND expireat < now() - interval '1 minute'" : ""), cancel);

    /// <summary>What Hangfire has counted and not added up yet.</summary>
    public Task<long> CountersAsync(CancellationToken cancel) => platform.CountAsync("SELECT count(*) FROM hangfire.counter", cancel);

    /// <summary>Sets the time at which finished jobs expire back by an hour.</summary>
    /// <returns>The number of the last of them.</returns>
    public async Task<long> LetAnHourPassAsync(CancellationToken cancel)
    {
        var last = await platform.CountAsync("SELECT coalesce(max(id), 0) FROM hangfire.job WHERE expireat IS NOT NULL", cancel);
        await platform.ExecuteAsync(string.Create(
            CultureInfo.InvariantCulture, $"UPDATE hangfire.job SET expireat = expireat - interval '1 hour' WHERE expireat IS NOT NULL AND id <= {last}"), cancel);
        return last;
    }

    /// <summary>As autovacuum would, sooner or later.</summary>
    public async Task VacuumAsync(CancellationToken cancel)
    {
        foreach (var name in Names) await platform.ExecuteAsync($"VACUUM hangfire.{name}", cancel);
    }
}
