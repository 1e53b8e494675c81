using Webhooks.Dispatcher;

namespace Webhooks.Bench.Throughput;

/// <summary>A load under which the dispatcher is measured.</summary>
/// <param name="Name">As in the keys of the report.</param>
/// <param name="Load">With the number of events of a full run.</param>
/// <param name="BareAtOnce">How many posts at once the bare loop makes beside it; 0 where there is none.</param>
/// <param name="Meaning">For people.</param>
internal sealed record ThroughputRow(string Name, EngineLoad Load, int BareAtOnce, string Meaning);

/// <summary>What <c>throughput</c> measures.</summary>
internal static class ThroughputRows
{
    /// <summary>The row that the peers stand beside: as many endpoints, the same bodies, the same sink.</summary>
    public const string Main = "strict_200";

    /// <summary>The events of a full run of it.</summary>
    public const int MainEvents = 240_000;

    /// <summary>A job table, each row locked while it is posted.</summary>
    public const string Naive = "naive";

    /// <summary>The same, each claim committed before it is posted.</summary>
    public const string NaiveClaim = "naive_claim";

    public static readonly IReadOnlyList<ThroughputRow> Engine =
    [
        new("strict_1", new EngineLoad(1, 10_000), 1, "one strict endpoint"),
        new("strict_10", new EngineLoad(10, 40_000), 10, "10 strict endpoints"),
        // As many at once as the dispatcher sends, not 2,000: that would be a slower bare loop.
        new("strict_2000", new EngineLoad(2000, 60_000), 256, "2,000 strict endpoints"),
        new("relaxed_1", new EngineLoad(1, 40_000)
        {
            InOrder = false, Settings = settings => settings with { Ordering = EndpointOrdering.Relaxed, MaxInFlight = 64 },
        }, 64, "one relaxed endpoint, MaxInFlight 64"),
        new("batch_1_50ms", new EngineLoad(1, 20_000)
        {
            // About as many bodies of 1 KB as MaxBytes lets into a batch by default.
            SinkLatency = SlowSink, Settings = settings => settings with { Batch = new BatchSettings { MaxEvents = 500 } },
        }, 0, "one strict batch endpoint, MaxEvents 500, a sink that answers after 50 ms"),
        new("strict_200_50ms", new EngineLoad(200, 12_000) { SinkLatency = SlowSink }, 200, "200 strict endpoints, a sink that answers after 50 ms"),
        // Last, so that it stands right beside the others.
        new(Main, new EngineLoad(200, MainEvents), 200, "200 strict endpoints"),
    ];

    private static TimeSpan SlowSink => TimeSpan.FromMilliseconds(50);

    /// <summary>How many messages the others get in a full run: about as much time as the dispatcher has for its own.</summary>
    public static int EventsOf(string peer) => peer is Naive or NaiveClaim ? 10_000 : 30_000;
}
