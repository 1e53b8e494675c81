using System.Text.Json;
using System.Text.Json.Nodes;

namespace Webhooks.Bench.Peers;

/// <summary>A job queue that the dispatcher is measured beside, in its best setting; bench/Peers/README.md says which others were tried.</summary>
/// <param name="Name">As in the keys of the report.</param>
/// <param name="Script">In bench/Peers.</param>
/// <param name="Settings">What the script gets besides addresses and numbers.</param>
/// <param name="CountCompleted">Gives how many of its jobs are stored as completed, of $1 that were enqueued; null when nothing is stored.</param>
internal sealed record Peer(string Name, string Script, JsonObject Settings, string? CountCompleted)
{
    public static readonly Peer PgBoss = new("pg_boss", "pg-boss.mjs",
        new JsonObject
        {
            ["batchSize"] = 500, ["localConcurrency"] = 2, ["pool"] = 20, ["notify"] = true, ["connections"] = 100,
            ["insertSize"] = 500, ["inserters"] = 2, ["producer"] = "same", ["workerProcesses"] = 1,
        },
        "SELECT count(*) FROM pgboss.job WHERE name = 'webhooks' AND state = 'completed' AND $1::bigint > 0");

    public static readonly Peer GraphileWorker = new("graphile_worker", "graphile-worker.mjs",
        new JsonObject
        {
            ["concurrentJobs"] = 100, ["localQueue"] = 500, ["completeDelay"] = 50, ["pool"] = 20, ["connections"] = 100,
            ["insertSize"] = 500, ["inserters"] = 2, ["producer"] = "same", ["workerProcesses"] = 1,
        },
        // A completed job is deleted.
        "SELECT $1::bigint - count(*) FROM graphile_worker._private_jobs");

    /// <summary>The bare loop in their runtime.</summary>
    public static readonly Peer NodeBare = new("node_bare", "bare.mjs", new JsonObject { ["connections"] = 200 }, null);

    /// <summary>In the order in which they are measured.</summary>
    public static readonly IReadOnlyList<Peer> All = [PgBoss, NodeBare, GraphileWorker];

    /// <summary>The same with some other settings.</summary>
    public Peer With(JsonObject others)
    {
        var settings = Settings.DeepClone().AsObject();
        foreach (var (name, value) in others) settings[name] = value?.DeepClone();
        return this with { Settings = settings };
    }

    /// <summary>Reads <c>name=value</c>; what is no number, truth value or the like is text.</summary>
    public static JsonObject ParseSettings(IEnumerable<string> settings)
    {
        var parsed = new JsonObject();
        foreach (var setting in settings)
        {
            var parts = setting.Split('=', 2);
            if (parts.Length != 2) throw new ArgumentException($"\"{setting}\" is not NAME=VALUE.");
            try
            {
                parsed[parts[0]] = JsonNode.Parse(parts[1]);
            }
            catch (JsonException)
            {
                parsed[parts[0]] = parts[1];
            }
        }

        return parsed;
    }
}
