using Webhooks.Chaos.Faults;

namespace Webhooks.Chaos.Judging;

/// <summary>
/// Judges what came more than once; pure. A number that was accepted may come again only
/// (a) after a rewind over it, as often as it was rewound;
/// (b) after an attempt that the dispatcher has recorded as failed: the answer did not reach it, or too late;
/// (c) because it was in flight or not yet settled when somebody was killed, suspended or cut off: it was accepted at most <see cref="Unsettled"/>
/// before that or while it lasted, and for each such incident at most as many as a pump can have in hand.
/// What was settled, and not rewound, never comes again, but for what was on its way, or about to be, in a process that was suspended.
/// </summary>
internal static class SentAgain
{
    /// <summary>How long an accepted number can stay unsettled: the settle interval, and a commit on a machine that is very busy.</summary>
    public static readonly TimeSpan Unsettled = TimeSpan.FromSeconds(3);

    /// <summary>How long a request can be on its way.</summary>
    public static readonly TimeSpan InFlight = ChaosSettings.SendTimeout + TimeSpan.FromSeconds(1);

    /// <summary>How many numbers a pump can have sent and not settled: what it has read ahead, and what it read meanwhile.</summary>
    public const int Window = (2 * ChaosSettings.ReadAhead) + 1;

    public sealed record Result(IReadOnlyList<Finding> Findings, long Resent, long Duplicates);

    public static Result Judge(EndpointBooks endpoint, IReadOnlyList<Incident> everywhere)
    {
        var (findings, resent, duplicates) = (new List<Finding>(), 0L, 0L);
        var incidents = everywhere.Concat(endpoint.Changes).OrderBy(incident => incident.From).ToList();
        var perIncident = new Dictionary<Incident, int>();
        var attempts = new FailedAttempts(endpoint.Attempts);
        var rewinds = endpoint.Settlements.Where(row => row.Outcome == "rewound").ToList();
        var delivered = endpoint.Settlements.Where(row => row.Outcome == "delivered").OrderBy(row => row.At).ToList();
        foreach (var (seq, before, again) in Repeated(endpoint.Wire))
        {
            resent++;
            if (before.IsAccepted && before.Answered <= again.Arrived) duplicates++;
            else continue;
            if (rewinds.Any(row => Covers(row, seq) && row.At >= before.Arrived && row.At <= again.Arrived)) continue;
            if (attempts.Excuse(seq, before)) continue;
            if (delivered.Find(row => Covers(row, seq) && row.At >= before.Arrived) is { } settled && again.Arrived > settled.At + InFlight
                && !incidents.Exists(incident => incident.To > incident.From && incident.From <= settled.At + InFlight && again.Arrived <= incident.To + InFlight && again.Arrived >= incident.From))
            {
                findings.Add(new(Wrong.SentAgain, endpoint, seq, $"came at {again.Arrived:O}, and was accepted at {before.Answered:O} and settled at {settled.At:O}"));
                continue;
            }

            var cause = incidents.FindLast(incident =>
                incident.From - Unsettled <= before.Answered && before.Arrived <= incident.To + Unsettled && incident.From <= again.Arrived);
            if (cause is null)
            {
                findings.Add(new(Wrong.SentAgain, endpoint, seq, $"came at {again.Arrived:O}, and was accepted at {before.Answered:O}: nothing happened in between"));
                continue;
            }

            perIncident[cause] = perIncident.GetValueOrDefault(cause) + 1;
        }

        findings.AddRange(perIncident.Where(entry => entry.Value > Window)
            .Select(entry => new Finding(Wrong.SentAgain, endpoint, null, $"{entry.Value} numbers came again after \"{entry.Key.What}\" at {entry.Key.From:O}, at most {Window} can have been in hand")));
        return new Result(findings, resent, duplicates);
    }

    /// <summary>Each coming of a number but its first, with the last accepted coming before it, or the one before it.</summary>
    private static IEnumerable<(long Seq, WireRequest Before, WireRequest Again)> Repeated(IReadOnlyList<WireRequest> wire)
    {
        var known = new Dictionary<long, WireRequest>();
        foreach (var request in wire)
        {
            for (var seq = request.From; seq <= request.To; seq++)
            {
                if (known.TryGetValue(seq, out var before)) yield return (seq, before, request);
                if (before is null || request.IsAccepted || !before.IsAccepted) known[seq] = request;
            }
        }
    }

    /// <summary>Each has every number of its request sent once more; those of a batch perhaps in two halves.</summary>
    private sealed class FailedAttempts(IEnumerable<AttemptRow> rows)
    {
        // A receiver that is suspended takes a request that much later than it was sent.
        private static readonly TimeSpan Late = (ChaosSettings.Lease * 3) + InFlight;

        private readonly List<(AttemptRow Row, HashSet<long> SentAgain)> _attempts = [.. rows.OrderBy(row => row.StartedAt).Select(row => (row, new HashSet<long>()))];

        /// <summary>Whether it was the request before that is recorded as failed. One that began after that was answered may be what came again, and explains nothing yet.</summary>
        public bool Excuse(long seq, WireRequest before) => _attempts.Exists(attempt =>
            before.From <= attempt.Row.Seq && attempt.Row.Seq <= before.To && attempt.Row.StartedAt <= before.Answered
            && attempt.Row.StartedAt >= before.Arrived - Late && attempt.SentAgain.Add(seq));
    }

    private static bool Covers(SettlementRow row, long seq) => row.First <= seq && seq <= row.Last;
}
