using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Tests;

/// <summary>
/// Plans are made once and kept, so they must be right whenever they are made: a plan that reads a table from end to end is nothing to see
/// on a small one, and the end of a large one.
/// </summary>
public partial class QueryPlanTests
{
    // Whatever grows with what was published or with the number of endpoints. The history of a new endpoint is read once, on purpose.
    private const string Growing = "event|delivery|delivery_run|settlement|delivery_state|attempt|event_verdict|dedupe|endpoint_change|sequencer_batch|stream|endpoint|endpoint_secret|application|deferred|delivery_reach|expiry_warning|expunged_event|resume_request|audit|event_target|endpoint_statistic|endpoint_statistic_hour";

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 30)]
    [InlineData(true, 30)]
    public async Task Queries_WhetherTheTablesAreYoungOrAnalysedOrInManyPartitions_ReadNoneFromEndToEnd(bool analysed, int periods)
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var application = await platform.Applications.CreateAsync("customer");
        for (var period = 1; period < periods; period++) await platform.ExecuteAsync($"SELECT webhooks.create_partitions({period})");
        if (analysed)
        {
            for (var i = 0; i < 300; i++) await platform.Endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/"));
            await Task.WhenAll(Enumerable.Range(0, 2000).Select(_ => platform.PublishAsync(application)));
            await using var analyse = platform.Data.CreateCommand("ANALYZE");
            await analyse.ExecuteNonQueryAsync();
        }

        var database = platform.Get<WebhookDatabase>();
        await using var connection = await database.OpenAsync(CancellationToken.None);
        var found = new StringBuilder();
        foreach (var name in WebhookDatabase.QueryNames().Where(name => name != "Publishing/publish"))
        {
            await ExecuteAsync(connection, $"PREPARE q AS {database.Query(name)}");
            await using (var count = new NpgsqlCommand("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'q'", connection))
            {
                var parameters = (int)(await count.ExecuteScalarAsync())!;
                var arguments = parameters == 0 ? "" : $"({string.Join(", ", Enumerable.Repeat("NULL", parameters))})";
                var plan = await ExplainAsync(connection, $"EXPLAIN EXECUTE q{arguments}");
                if (EndToEnd().Match(plan) is { Success: true } scan) found.AppendLine($"{name}: {scan.Value}");
                if (AllToFindFew().Match(plan) is { Success: true } sort) found.AppendLine($"{name}: sorts the partitions' rows\n{sort.Value}");
                if (plan.Contains("Function Scan on numbers", StringComparison.Ordinal)) found.AppendLine($"{name}: calls what should be put into it");
                if (EachWithEach().IsMatch(plan)) found.AppendLine($"{name}: compares each with each\n{plan}");
            }

            await ExecuteAsync(connection, "DEALLOCATE q");
        }

        Assert.True(found.Length == 0, found.ToString());
    }

    [GeneratedRegex($@"Seq Scan on ({Growing})(_p\d+)?\b")]
    private static partial Regex EndToEnd();

    // The first few in an order come from each partition's index in that order, and not from a sort of all that all partitions have.
    [GeneratedRegex(@"Limit.*\n.*-> +(Incremental )?Sort.*\n(.*(Sort|Presorted) Key.*\n)+.*-> +(Append.*\n.*-> +)?Index (Only )?Scan.*")]
    private static partial Regex AllToFindFew();

    // What is given as arrays, or was found by a first step, must be looked up one by one.
    [GeneratedRegex(@"Join Filter: .*\b(u|r|d|due|idle|held|old|orphans)\.")]
    private static partial Regex EachWithEach();

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
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
