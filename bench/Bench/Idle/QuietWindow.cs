using System.Diagnostics;
using Npgsql;
using Webhooks.Bench.Measuring;

namespace Webhooks.Bench.Idle;

/// <summary>What went on in a window of time, a second.</summary>
internal sealed record QuietFigures(double Statements, double Transactions, double CorePercent, double DispatcherCorePercent, double WalBytes);

/// <summary>Counts all that happens in one database, and the processor time of its server and its dispatcher, while something else is done or nothing.</summary>
internal static class QuietWindow
{
    public static async Task<QuietFigures> MeasureAsync(string connectionString, bool statements, Func<CpuUse> cpu, Func<Task> meanwhile, CancellationToken cancel)
    {
        // One connection that stays open, so that none of its own opening and closing is counted.
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancel);
        await ReadAsync();
        var (began, before, cpuBefore) = (Stopwatch.GetTimestamp(), await ReadAsync(), cpu());
        await meanwhile();
        var (used, after, seconds) = (cpu() - cpuBefore, await ReadAsync(), Stopwatch.GetElapsedTime(began).TotalSeconds);
        return new QuietFigures(
            (after.Statements - before.Statements) / seconds, (after.Transactions - before.Transactions - 1) / seconds, (used.Sender + used.Server) / seconds * 100,
            used.Sender / seconds * 100, (after.Wal - before.Wal) / seconds);

        async Task<(long Statements, long Transactions, long Wal)> ReadAsync()
        {
            // What is counted is all but this statement; its transaction is taken off where the difference is formed.
            await using var command = new NpgsqlCommand(
                "SELECT " + (statements
                    ? "(SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() AND s.query NOT LIKE '%quiet_window%')::bigint"
                    : "0::bigint")
                + " AS quiet_window, (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()), (pg_current_wal_insert_lsn() - '0/0')::bigint",
                connection);
            await using var reader = await command.ExecuteReaderAsync(cancel);
            await reader.ReadAsync(cancel);
            return (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
        }
    }
}
