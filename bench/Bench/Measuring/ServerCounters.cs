using System.Globalization;
using Npgsql;

namespace Webhooks.Bench.Measuring;

/// <summary>
/// What the server has done so far: statements, transactions, bytes of write-ahead log. Two of them make a difference. A connection tells
/// its transactions late, by up to ten seconds when it is idle; <see cref="TransactionsAsync"/> is exact.
/// </summary>
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

    /// <summary>Transactions in this database so far. All of them, because it waits until nobody is connected to it: who leaves has told.</summary>
    /// <param name="elsewhere">Connected to another database of the server.</param>
    /// <param name="database">Its name.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<long> TransactionsAsync(NpgsqlDataSource elsewhere, string database, CancellationToken cancel)
    {
        while (true)
        {
            await using var command = elsewhere.CreateCommand(
                """
                SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'),
                       (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1)
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = database });
            await using var reader = await command.ExecuteReaderAsync(cancel);
            await reader.ReadAsync(cancel);
            if (reader.GetInt64(0) == 0) return reader.GetInt64(1);
            await Task.Delay(20, cancel);
        }
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
