using Microsoft.Data.Sqlite;
using Npgsql;
using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Judging;

namespace Webhooks.Chaos.Running;

/// <summary>Keeps what a failed run leaves: the plan and what was done, the findings, both sides' tables, the wire and the processes' logs. No secrets.</summary>
internal sealed class Dump(Stage stage)
{
    private const int Around = 20;
    private static readonly string[] DispatcherTables =
    [
        "endpoint", "stream", "delivery_state", "delivery", "settlement", "attempt", "deferred", "operational_event", "endpoint_change", "event_verdict", "sequencer_batch", "dedupe",
    ];

    /// <returns>The folder.</returns>
    public async Task<string> WriteAsync(Books books, Judgement judgement, string? open)
    {
        var folder = Directory.CreateTempSubdirectory("webhooks-chaos-failed-").FullName;
        await WriteAsync(folder, "plan.txt", [stage.Plan.Settings.Command, .. stage.Plan.Deeds.Select(deed => deed.ToString())]);
        await WriteAsync(folder, "done.txt", books.Incidents.OrderBy(incident => incident.From).Select(incident => $"{incident.From:O} {incident.To:O} {incident.What}"));
        await WriteAsync(folder, "findings.txt", judgement.Findings.Select(finding => finding.ToString()).Prepend(open ?? "All was quiet."));
        await WriteAsync(folder, "published.txt", books.Published.OrderBy(row => row.Committed).Select(row => row.ToString()));
        await WriteAsync(folder, "rolled-back.txt", books.RolledBack);
        foreach (var finding in judgement.Findings.Where(finding => finding.Endpoint is not null).GroupBy(finding => finding.Endpoint!))
            await WriteAsync(folder, $"{finding.Key.Source}-findings.txt", finding.SelectMany(one => Surroundings(one, finding.Key)));
        await DispatcherAsync(folder);
        for (var receiver = 0; receiver < stage.Plan.Settings.Receivers; receiver++) Receiver(folder, receiver);
        foreach (var log in Directory.EnumerateFiles(stage.Folder, "*.log")) File.Copy(log, Path.Combine(folder, Path.GetFileName(log)));
        return folder;
    }

    private static IEnumerable<string> Surroundings(Finding finding, EndpointBooks books)
    {
        yield return finding.ToString();
        if (finding.Seq is not { } seq) yield break;
        foreach (var request in books.Wire.Where(request => request.To >= seq - Around && request.From <= seq + Around)) yield return $"  wire   {request}";
        foreach (var row in books.Settlements.Where(row => row.Last >= seq - Around && row.First <= seq + Around)) yield return $"  settled {row}";
        foreach (var row in books.Attempts.Where(row => Math.Abs(row.Seq - seq) <= Around)) yield return $"  failed {row}";
        foreach (var row in books.Effects.Where(row => Math.Abs(row.Seq - seq) <= Around)) yield return $"  effect {row}";
        foreach (var matched in books.Matched) yield return $"  {matched}";
    }

    private async Task DispatcherAsync(string folder)
    {
        foreach (var table in DispatcherTables)
        {
            await using var command = stage.Data.CreateCommand($"SELECT row_to_json(t)::text FROM webhooks.{table} t");
            await using var reader = await command.ExecuteReaderAsync();
            await using var file = new StreamWriter(Path.Combine(folder, $"dispatcher-{table}.ndjson"));
            while (await reader.ReadAsync()) await file.WriteLineAsync(reader.GetString(0));
        }

        // The data is left out: its hash is in the platform's own table.
        await using var events = new NpgsqlCommand("COPY (SELECT bucket, position, id, published_at, type, dedupe_key FROM webhooks.event ORDER BY bucket, position) TO STDOUT");
        await using var connection = await stage.Data.OpenConnectionAsync();
        using var copy = await connection.BeginTextExportAsync(events.CommandText);
        await File.WriteAllTextAsync(Path.Combine(folder, "dispatcher-event.tsv"), await copy.ReadToEndAsync());
    }

    private void Receiver(string folder, int receiver)
    {
        var own = Directory.CreateDirectory(Path.Combine(folder, $"receiver-{receiver}")).FullName;
        foreach (var database in new[] { ReceiverApp.InboxPath(stage.ReceiverFolder(receiver)), ReceiverApp.BusinessPath(stage.ReceiverFolder(receiver)) })
        {
            using var source = new SqliteConnection($"Data Source={database}");
            using var copy = new SqliteConnection($"Data Source={Path.Combine(own, Path.GetFileName(database))}");
            source.Open();
            copy.Open();
            source.BackupDatabase(copy);
        }

        foreach (var wire in Directory.EnumerateFiles(stage.ReceiverFolder(receiver), "wire-*.log")) File.Copy(wire, Path.Combine(own, Path.GetFileName(wire)));
    }

    private static Task WriteAsync(string folder, string name, IEnumerable<string> lines) =>
        File.WriteAllLinesAsync(Path.Combine(folder, name), lines);
}
