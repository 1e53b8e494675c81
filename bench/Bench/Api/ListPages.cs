using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Npgsql;
using Webhooks.Bench.Measuring;

namespace Webhooks.Bench.Api;

/// <summary>Pages of a long list of events: the newest, those behind them, and those far back; with a filter that fits none, each looks at as many as a page may.</summary>
internal static class ListPages
{
    private const int Pages = 100;

    // By what it counts: the statements that list events, and no others.
    private const string Listing = "query LIKE '%octet_length(e.data) AS size%' AND query NOT LIKE '%pg_stat_statements%'";

    public static async Task MeasureAsync(Report report, ApiTarget target, bool countsStatements, CancellationToken cancel)
    {
        var stored = await target.StoredAsync(cancel);
        await using var data = NpgsqlDataSource.Create(target.Store);
        if (countsStatements) await ExecuteAsync(data, "SELECT pg_stat_statements_reset()", cancel);
        using var http = new HttpClient { BaseAddress = target.Url };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", target.Key);
        var seen = new HashSet<string>();
        foreach (var filter in new[] { "limit=250", "limit=250&type=nothing.of.the.kind", "limit=250&until=2100-01-01T00:00:00Z" })
        {
            string? cursor = null;
            for (var page = 0; page < Pages; page++)
            {
                using var answer = JsonDocument.Parse(await http.GetStringAsync(
                    new Uri($"/v1/applications/{target.Application}/events?{filter}{(cursor is null ? "" : "&cursor=" + cursor)}", UriKind.Relative), cancel));
                if (filter == "limit=250")
                    foreach (var one in answer.RootElement.GetProperty("data").EnumerateArray()) report.Require(seen.Add(one.GetProperty("id").GetString()!), "an event was listed twice");
                cursor = answer.RootElement.GetProperty("next").GetString();
                if (cursor is null) break;
            }
        }

        report.Require(seen.Count == Math.Min(stored, Pages * 250), string.Create(CultureInfo.InvariantCulture, $"{seen.Count} of {stored} events were listed on {Pages} pages"));
        report.Add("list_events", stored, "events of the application whose pages are read");
        if (!countsStatements) return;
        await using var command = data.CreateCommand($"SELECT max(max_exec_time), sum(total_exec_time) / sum(calls) FROM pg_stat_statements WHERE {Listing}");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        report.Add("list_page_max_ms", reader.GetDouble(0), "database time of the slowest page of 250, filtered ones too; target at most 20");
        report.Add("list_page_mean_ms", reader.GetDouble(1), "of all pages");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource data, string sql, CancellationToken cancel)
    {
        await using var command = data.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
