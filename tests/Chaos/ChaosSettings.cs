using Webhooks.Chaos.Cast;

namespace Webhooks.Chaos;

/// <summary>What a run is made from: the same settings give the same plan.</summary>
internal sealed record ChaosSettings(TimeSpan Duration, int Dispatchers, int Receivers, int Seed)
{
    public const int Applications = 3;

    /// <summary>How many events are published a second, over all publishers.</summary>
    public const int Rate = 40;

    /// <summary>How many of an endpoint's events a dispatcher reads ahead: what it can have in hand when the database fails it.</summary>
    public const int ReadAhead = 32;

    // A takeover takes a lease, and so does everything here that waits for one.
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    public static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(2);

    public int Publishers { get; init; } = 2;

    public DispatcherHost Host { get; init; } = DispatcherHost.InBox;

    /// <summary>Endpoints that are there from the beginning; each of them comes at one receiver.</summary>
    public int Endpoints => Receivers * 4;

    public string Command =>
        FormattableString.Invariant($"./eng/chaos --minutes {Duration.TotalMinutes:0.##} --dispatchers {Dispatchers} --receivers {Receivers} --seed {Seed}{(Host.Option.Length > 0 ? " " + Host.Option : "")}");
}
