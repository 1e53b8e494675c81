namespace Webhooks.Chaos.Judging;

/// <summary>The platform's own table, in the transactions of which the events are published: what is in it was committed, and nothing else was.</summary>
internal static class Business
{
    public const string Create = """
        CREATE SCHEMA chaos;
        -- began_at is when the transaction began, and so before the event had its place in the order.
        CREATE TABLE chaos.published (
            event_id text PRIMARY KEY, application text NOT NULL, type text NOT NULL, lane text NOT NULL, number int NOT NULL,
            dedupe_key text, sha256 text NOT NULL, began_at timestamptz NOT NULL DEFAULT now());
        """;

    public const string Insert =
        "INSERT INTO chaos.published (event_id, application, type, lane, number, dedupe_key, sha256) VALUES ($1, $2, $3, $4, $5, $6, $7)";

    /// <summary>Where a publisher writes the events that it rolled back: a file a lane.</summary>
    public static string RolledBackPath(string folder, string lane) => Path.Combine(folder, $"rolled-back-{lane}.log");

    public static IEnumerable<string> RolledBack(string folder) =>
        Directory.EnumerateFiles(folder, "rolled-back-*.log").SelectMany(File.ReadLines);
}

/// <summary>The few types and patterns of a run, and which match: written out, and so no copy of what is tested.</summary>
internal static class EventTypes
{
    public static readonly IReadOnlyList<string> All = ["order.placed", "order.paid", "order.shipped.late", "customer.moved"];

    private static readonly Dictionary<string, string[]> Matching = new()
    {
        ["**"] = [.. All],
        ["order.**"] = ["order.placed", "order.paid", "order.shipped.late"],
        ["order.*"] = ["order.placed", "order.paid"],
        ["customer.moved"] = ["customer.moved"],
    };

    public static IReadOnlyList<string> Patterns { get; } = [.. Matching.Keys];

    public static bool Matches(string? pattern, string type) => pattern is not null && Matching[pattern].Contains(type);
}
