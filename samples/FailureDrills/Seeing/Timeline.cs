using Webhooks.FailureDrills.Staging;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>One thing that happened.</summary>
/// <param name="At">When, by the clock of the side that saw it.</param>
/// <param name="Side"><c>drill</c>, <c>dispatcher</c>, <c>stub</c> or <c>receiver</c>.</param>
/// <param name="Text">What.</param>
internal sealed record TimelineEntry(DateTimeOffset At, string Side, string Text);

/// <summary>Both sides' steps of a drill, merged by time; pure.</summary>
internal static class Timeline
{
    public const int LastSteps = 20;

    public static IReadOnlyList<TimelineEntry> Of(Evidence evidence, IReadOnlyList<LogLine> log)
    {
        var many = evidence.Endpoints.Count > 1;
        var entries = log.Select(line => new TimelineEntry(line.At, line.Who, line.Text)).Concat(evidence.Changes.Select(change => Change(change, "")))
            .Concat(evidence.Endpoints.SelectMany((one, i) => Endpoint(one, many ? $"endpoint {i + 1}: " : "")))
            .Concat(evidence.Effects.Select(effect => new TimelineEntry(effect.At, "receiver", $"processed {effect.Seq}")));
        return [.. entries.OrderBy(entry => entry.At)];
    }

    /// <summary>The last steps of each side, in the order of all.</summary>
    public static IReadOnlyList<TimelineEntry> Last(IReadOnlyList<TimelineEntry> timeline, int perSide = LastSteps)
    {
        var kept = timeline.GroupBy(entry => entry.Side is "stub" or "receiver").SelectMany(side => side.TakeLast(perSide)).ToHashSet(ReferenceEqualityComparer.Instance);
        return [.. timeline.Where(kept.Contains)];
    }

    private static IEnumerable<TimelineEntry> Endpoint(EndpointEvidence one, string name)
    {
        foreach (var request in one.Requests)
        {
            var seqs = request.Request.Seqs is { } held ? held.From == held.To ? $"{held.From}" : $"{held.From}-{held.To}" : "no number";
            yield return new(request.Request.ArrivedAt, "stub", $"{name}{request.Request.Method} {seqs} ({request.Request.WebhookId}), answers {request.Answer}");
        }

        foreach (var attempt in one.Attempts)
        {
            var (status, detail) = (attempt.Status is { } code ? $" {code}" : "", attempt.Detail.Length > 0 ? $": {Cut(attempt.Detail)}" : "");
            yield return new(attempt.At + TimeSpan.FromMilliseconds(attempt.DurationMs), "dispatcher",
                $"{name}attempt {attempt.Number} of {attempt.Seq} failed: {attempt.Outcome}{status} after {attempt.DurationMs} ms{detail}");
        }

        foreach (var run in one.Settlements)
        {
            if (run.Last < run.First) continue;
            yield return new(run.At, "dispatcher", $"{name}settled {(run.First == run.Last ? $"{run.First}" : $"{run.First}-{run.Last}")} as {run.Outcome}, cursor {run.Cursor}");
        }

        foreach (var change in one.Changes) yield return Change(change, name);
    }

    private static TimelineEntry Change(OperationalSeen change, string name) => new(change.At, "dispatcher", $"{name}{change.Type} by {change.Actor} {Cut(change.Details)}");

    private static string Cut(string text) => (text.Length <= 200 ? text : text[..200] + "...").ReplaceLineEndings(" ");
}
