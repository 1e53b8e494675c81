using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Receiver;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>A failed attempt as the dispatcher stored it.</summary>
internal sealed record AttemptSeen(long Seq, int Number, DateTimeOffset At, int DurationMs, string Outcome, int? Status, string Detail);

/// <summary>What became of a run of numbers.</summary>
internal sealed record SettlementSeen(long First, long Last, string Outcome, long Cursor, IReadOnlyList<long> Ahead, DateTimeOffset At);

/// <summary>A change of an endpoint's state.</summary>
internal sealed record OperationalSeen(string Type, string Actor, string Details, DateTimeOffset At);

/// <summary>Both sides of one endpoint.</summary>
internal sealed record EndpointEvidence(Target Target)
{
    public IReadOnlyList<StubRequest> Requests { get; init; } = [];

    public StreamStatus? Stream { get; init; }

    /// <summary>In how many seconds it is due, by the database's clock; null when nothing is due or somebody works on it.</summary>
    public double? DueIn { get; init; }

    public IReadOnlyList<AttemptSeen> Attempts { get; init; } = [];

    public IReadOnlyList<SettlementSeen> Settlements { get; init; } = [];

    public IReadOnlyList<OperationalSeen> Changes { get; init; } = [];

    /// <summary>The numbers in the requests, in the order of their arrival; a batch gives all of its own.</summary>
    public IReadOnlyList<long> Seqs => [.. Requests.SelectMany(one => one.Request.Seqs is { } seqs ? Range(seqs.From, seqs.To) : [])];

    /// <summary>The numbers that are settled, each with its last outcome; a rewind takes back.</summary>
    public IReadOnlyDictionary<long, string> Settled
    {
        get
        {
            var settled = new Dictionary<long, string>();
            foreach (var run in Settlements)
            {
                for (var seq = run.First; seq <= run.Last; seq++)
                {
                    if (run.Outcome == "rewound") settled.Remove(seq);
                    else if (run.Outcome is not ("replayed" or "deferred")) settled[seq] = run.Outcome;
                }

                foreach (var seq in run.Ahead) settled.TryAdd(seq, "delivered");
            }

            return settled;
        }
    }

    private static IEnumerable<long> Range(long from, long to)
    {
        for (var seq = from; seq <= to; seq++) yield return seq;
    }
}

/// <summary>What both sides look like at one moment, as far as it was looked for.</summary>
internal sealed record Evidence(Stage Stage)
{
    public required IReadOnlyList<EndpointEvidence> Endpoints { get; init; }

    /// <summary>The first endpoint, which is the only one of most drills.</summary>
    public EndpointEvidence One => Endpoints[0];

    /// <summary>What concerns no single endpoint.</summary>
    public IReadOnlyList<OperationalSeen> Changes { get; init; } = [];

    public IReadOnlyDictionary<(string Name, string Tag), long> Counters { get; init; } = new Dictionary<(string, string), long>();

    public IReadOnlyList<Effect> Effects { get; init; } = [];

    public WebhookSourceStatus? Inbox { get; init; }

    /// <summary>How the receiver's stream stands; null while it has none.</summary>
    public WebhookStreamStatus? Stream => Inbox?.Streams is [var one, ..] ? one : null;
}
