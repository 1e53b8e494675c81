using System.Globalization;
using Npgsql;

namespace Webhooks.Bench.Measuring;

/// <summary>What the server has done so far: statements, transactions, bytes of write-ahead log. Two of them make a difference.</summary>
internal sealed record ServerCounters(long Statements, long Transactions, long WalBytes)
{
    public static async Task<ServerCounters> ReadAsync(NpgsqlDataSource data, bool statements)
    {
        await using var command = data.CreateCommand(
            "SELECT " + (statements ? "(SELECT coalesce(sum(calls), 0) FROM pg_stat_statements)::bigint" : "0::bigint")
            + ", (SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database)::bigint, (pg_current_wal_insert_lsn() - '0/0')::bigint");
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new ServerCounters(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }

    public static ServerCounters operator -(ServerCounters to, ServerCounters from) =>
        new(to.Statements - from.Statements, to.Transactions - from.Transactions, to.WalBytes - from.WalBytes);

    /// <summary>Where the server's time goes: the statements that take most of it.</summary>
    public static async Task PrintTopAsync(NpgsqlDataSource data)
    {
        await using var command = data.CreateCommand(
            """
            SELECT calls, plans, total_plan_time, total_exec_time, rows, shared_blks_hit, wal_bytes, left(regexp_replace(query, '--[^\n]*\n|\s+', ' ', 'g'), 110)
            FROM pg_stat_statements ORDER BY total_plan_time + total_exec_time DESC LIMIT 12
            """);
        await using var reader = await command.ExecuteReaderAsync();
        Report.Progress("   calls    plans   plan ms   exec ms      rows    blocks    WAL KB  statement");
        while (await reader.ReadAsync())
        {
            Report.Progress(string.Create(CultureInfo.InvariantCulture,
                $"{reader.GetInt64(0),8} {reader.GetInt64(1),8} {reader.GetDouble(2),9:F0} {reader.GetDouble(3),9:F0} {reader.GetInt64(4),9} {reader.GetInt64(5),9} {reader.GetDecimal(6) / 1024,9:F0}  {reader.GetString(7)}"));
        }
    }
}
