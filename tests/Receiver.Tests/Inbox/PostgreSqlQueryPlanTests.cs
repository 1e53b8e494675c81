using System.Text;
using System.Text.RegularExpressions;
using Npgsql;

namespace Webhooks.Receiver.Tests;

/// <summary>Plans are kept, so they must be right whenever they are made: none may read a table from end to end that grows with what was received.</summary>
public sealed partial class PostgreSqlQueryPlanTests
{
    private const string Growing = "received|unnumbered|parked|passed|ahead|event_hold";


    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Queries_WhetherTheTablesAreYoungOrAnalysed_ReadNoneFromEndToEnd(bool analysed)
    {
        var schema = TestDatabase.NewSchema();
        await using var inbox = await TestDatabase.OpenAsync(schema);
        await inbox.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await inbox.StartAsync("acme", new StreamPosition(1, 0), false, default);
        if (analysed)
        {
            await inbox.StoreAsync("acme", [.. Enumerable.Range(1, 3000).Select(seq => Sent.Stored(seq))], new StoreRules(10_000), default);
            await TestDatabase.RunAsync("ANALYZE");
        }

        await using var database = new InboxDatabase(new PostgreSqlInboxOptions { ConnectionString = await TestDatabase.ConnectionStringAsync(), Schema = schema }, null);
        await using var connection = await database.OpenAsync(default);
        var found = new StringBuilder();
        foreach (var name in InboxDatabase.QueryNames())
        {
            await RunAsync(connection, $"PREPARE q AS {database.Query(name)}");
            await RunAsync(connection, "SET plan_cache_mode = force_generic_plan");
            await using (var count = new NpgsqlCommand("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'q'", connection))
            {
                var parameters = (int)(await count.ExecuteScalarAsync())!;
                var plan = await ExplainAsync(connection, $"EXPLAIN EXECUTE q({string.Join(", ", Enumerable.Repeat("NULL", parameters))})");
                if (EndToEnd().Match(plan) is { Success: true } scan) found.AppendLine($"{name}: {scan.Value}\n{plan}");
                if (AllToFindFew().Match(plan) is { Success: true } sort) found.AppendLine($"{name}: sorts what it should read in order\n{plan}");
                if (BySourceAlone().Match(plan) is { Success: true } && !plan.Contains("Limit", StringComparison.Ordinal) && !OfAKind(name))
                    found.AppendLine($"{name}: reads all of a source\n{plan}");
            }

            await RunAsync(connection, "DEALLOCATE q");
        }

        Assert.True(found.Length == 0, found.ToString());
    }

    // Marks and holds go when the watermark passes, and what was given up waits for somebody.
    private static bool OfAKind(string name) =>
        name is "Inbox/read_ahead" or "Inbox/read_event_holds" or "Inbox/read_given_up" or "Inbox/retry_unnumbered" or "Processing/fold_marks" or "Inbox/clear_event_holds";

    [GeneratedRegex($@"Seq Scan on ({Growing})\b")]
    private static partial Regex EndToEnd();

    [GeneratedRegex(@"Limit.*\n(.*\n)?.*-> +(Incremental )?Sort")]
    private static partial Regex AllToFindFew();

    [GeneratedRegex($@"Scan using \w+ on ({Growing})\b.*\n +Index Cond: \(source = \$1\)")]
    private static partial Regex BySourceAlone();

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> ExplainAsync(NpgsqlConnection connection, string sql)
    {
        var plan = new StringBuilder();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) plan.AppendLine(reader.GetString(0));
        return plan.ToString();
    }
}
