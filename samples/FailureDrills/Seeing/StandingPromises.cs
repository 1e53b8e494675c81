using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.Signing;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>What holds in every drill, whatever goes wrong.</summary>
internal static class StandingPromises
{
    public static IEnumerable<Expectation> Of(Drill drill)
    {
        if (!drill.Without.HasFlag(Standing.Ledger)) yield return Ledger;
        if (!drill.Without.HasFlag(Standing.Signatures)) yield return Signatures;
        if (!drill.Without.HasFlag(Standing.Order)) yield return Order;
    }

    /// <summary>Nothing is lost and nothing is made up: each number is settled in one way, or waits.</summary>
    public static Expectation Ledger { get; } = new("the ledger balances: published = settled + held", Look.Platform, evidence => First(evidence, one =>
    {
        if (one.Stream is not { } stream) return null;
        var published = one.Target.Published.Count;
        var settled = one.Settled.Keys.Count(seq => seq <= stream.Head);
        var held = stream.Head - Math.Min(stream.Cursor, stream.Head) - one.Settled.Keys.Count(seq => seq > stream.Cursor);
        return stream.Head == published && published == settled + held ? null
            : $"published {published}, numbered {stream.Head}, settled {settled}, held {held} (cursor {stream.Cursor})";
    }));

    public static Expectation Signatures { get; } = new("each request bears a signature of a secret of its endpoint", Look.Stub, evidence => First(evidence, one =>
    {
        WebhookSecret[] secrets = [.. one.Target.Secrets];
        foreach (var request in one.Requests)
            if (request.Request.Verify(secrets) is { IsValid: false } result) return $"request {request.Request.Number} ({request.Request.WebhookId}): {result.Status}";
        return null;
    }));

    /// <summary>The first request of each number comes after the first of the number before. A rewind sends again; what is sent again does not count.</summary>
    public static Expectation Order { get; } = new("the numbers arrived in their order", Look.Stub, evidence => First(evidence, one =>
    {
        if (one.Target.Settings.Ordering == EndpointOrdering.Relaxed) return null;
        var seen = new HashSet<long>();
        var highest = 0L;
        foreach (var seq in one.Seqs)
        {
            if (!seen.Add(seq)) continue;
            if (seq < highest) return $"{seq} came for the first time after {highest}: {See.List(one.Seqs)}";
            highest = seq;
        }

        return null;
    }));

    private static string? First(Evidence evidence, Func<EndpointEvidence, string?> check) => evidence.Endpoints.Select(check).FirstOrDefault(wrong => wrong is not null);
}
