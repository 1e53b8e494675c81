using System.Text.Json;

namespace Webhooks.Chaos.Cast;

/// <summary>What a process is told when it starts: a file, which every life of it reads.</summary>
internal sealed record RoleSettings
{
    public required string Database { get; init; }

    public required string MasterKey { get; init; }

    /// <summary>Where it listens.</summary>
    public string Url { get; init; } = "http://127.0.0.1:0";

    /// <summary>Its own folder.</summary>
    public string Folder { get; init; } = "";

    /// <summary>The sources of a receiver.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>The customers a publisher publishes for.</summary>
    public IReadOnlyList<string> Applications { get; init; } = [];

    public int Seed { get; init; }

    /// <summary>How many events a publisher publishes a second.</summary>
    public double Rate { get; init; }

    public void Write(string path) => File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this));

    public static RoleSettings Read(string path) => JsonSerializer.Deserialize<RoleSettings>(File.ReadAllBytes(path))!;
}
