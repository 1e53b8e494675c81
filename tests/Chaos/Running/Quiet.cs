using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Npgsql;
using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Faults;
using Webhooks.Chaos.Planning;

namespace Webhooks.Chaos.Running;

/// <summary>The end of all faults, and the wait until nothing is left to do on either side.</summary>
internal sealed class Quiet(Stage stage, Operator @operator)
{
    // By then a receiver that can has resumed its endpoint by itself.
    private static readonly TimeSpan BeforeOperator = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan LongestPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Progress = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    private const string Standing = """
        SELECT e.description, s.status, EXISTS (SELECT FROM webhooks.node n WHERE n.node = s.lease_owner AND n.expires_at > clock_timestamp()),
               coalesce((SELECT max(seq) FROM webhooks.delivery d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint), 0),
               coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint ORDER BY x.settlement DESC LIMIT 1), 0)
        FROM webhooks.delivery_state s JOIN webhooks.endpoint e USING (endpoint)
        """;

    private const string Pending = """
        SELECT count(*) FROM webhooks.event e
        WHERE NOT EXISTS (SELECT 1 FROM webhooks.delivery d WHERE d.bucket = e.bucket AND d.position = e.position)
          AND NOT EXISTS (SELECT 1 FROM webhooks.event_verdict v WHERE v.bucket = e.bucket AND v.position = e.position)
        """;

    /// <returns>How long it took, and what is still open if it did not become quiet.</returns>
    public async Task<(TimeSpan Time, string? Open)> WaitAsync(Action<string> say, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        foreach (var actor in stage.Actors.Values.SelectMany(actors => actors)) actor.Look();
        await Task.WhenAll(stage.Actors[Role.Publisher].Select(actor => actor.FinishAsync(Patience)));
        await Task.WhenAll(stage.Actors[Role.Receiver].Select(actor => actor.TellAsync(FaultyEdge.Peace)));
        var (said, moved, before) = (clock.Elapsed, clock.Elapsed, (string?)"");
        while (true)
        {
            string? open = null;
            await Operator.PersistAsync(async () => open = await OpenAsync(clock.Elapsed > BeforeOperator));
            // However slow the machine is: as long as something moves, it is waited for.
            if (open != before) (moved, before) = (clock.Elapsed, open);
            if (open is null || clock.Elapsed > moved + Patience || clock.Elapsed > LongestPatience) return (clock.Elapsed, open);
            if (clock.Elapsed > said + Progress)
            {
                said = clock.Elapsed;
                say($"not yet: {open}");
            }

            await Task.Delay(Between, cancel);
        }
    }

    /// <summary>What is not done yet; null when nothing is.</summary>
    private async Task<string?> OpenAsync(bool resume)
    {
        await using var connection = await stage.Data.OpenConnectionAsync();
        await using (var pending = new NpgsqlCommand(Pending, connection))
            if (await pending.ExecuteScalarAsync() is long and > 0 and var events) return $"{events} events are not numbered";
        await using (var deferred = new NpgsqlCommand("SELECT count(*) FROM webhooks.deferred", connection))
            if (await deferred.ExecuteScalarAsync() is long and > 0 and var events) return $"{events} events are deferred";
        var standing = new List<(string Source, string Status, bool Leased, long Head, long Cursor)>();
        await using (var command = new NpgsqlCommand(Standing, connection))
        await using (var reader = await command.ExecuteReaderAsync())
            while (await reader.ReadAsync()) standing.Add((reader.GetString(0), reader.GetString(1), reader.GetBoolean(2), reader.GetInt64(3), reader.GetInt64(4)));
        string? open = null;
        foreach (var (source, status, leased, head, cursor) in standing)
        {
            var slot = stage.Slots.Single(slot => slot.Source == source);
            if (status == "paused" && resume) await @operator.ResumeAsync(slot);
            var effects = Effects(slot);
            if (status != "deleted" ? status != "active" || leased || cursor != head || effects < head : leased)
                open = $"{source} is {status}{(leased ? ", leased" : "")}, head {head}, cursor {cursor}, {effects} effects";
        }

        return open;
    }

    private long Effects(Slot slot)
    {
        using var connection = new SqliteConnection($"Data Source={ReceiverApp.BusinessPath(stage.FolderOf(slot))};Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM effect WHERE source = $source";
        command.Parameters.AddWithValue("$source", slot.Source);
        return (long)command.ExecuteScalar()!;
    }
}
