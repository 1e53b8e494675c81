using Webhooks.FailureDrills.Staging;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>One thing that happened.</summary>
/// <param name="At">When, by the clock of the side that saw it.</param>
/// <param name="Side"><c>drill</c>, <c>dispatcher</c>, <c>stub</c> or <c>receiver</c>.</param>
/// <param name="Text">What.</param>
internal sealed record TimelineEntry(DateTimeOffset At, string Side, string Text)
{
    /// <summary>Of which endpoint, from 1, where there are several.</summary>
    public int? Endpoint { get; init; }

    /// <summary>A pause, a resume, a changed secret: few, and what the rest is understood by.</summary>
    public bool IsChange { get; init; }
}

/// <summary>Both sides' steps of a drill, merged by time; pure.</summary>
internal static class Timeline
{
    public const int LastSteps = 20;

    // So many endpoints to which the same happened, one after another, are told in one line.
    private const int Alike = 3;

    public static IReadOnlyList<TimelineEntry> Of(Evidence evidence, IReadOnlyList<LogLine> log)
    {
        var many = evidence.Endpoints.Count > 1;
        // What is in the tables is told from there; the log adds what is nowhere else.
        var isRecorded = evidence.Endpoints.Any(one => one.Attempts.Count > 0);
        var entries = log.Where(line => !(isRecorded && TellsAnAttempt(line))).Select(line => new TimelineEntry(line.At, line.Who, line.Text)).Concat(evidence.Changes.Select(Change))
            .Concat(evidence.Endpoints.SelectMany((one, i) => Endpoint(one, many).Select(entry => many ? entry with { Endpoint = i + 1 } : entry)))
            .Concat(evidence.Effects.Select(effect => new TimelineEntry(effect.At, "receiver", $"processed {effect.Seq}")));
        return Fold([.. entries.OrderBy(entry => entry.At)]);
    }

    /// <summary>
    /// The last steps of each side, in the order of all; and besides, the last of the drill's own and the last changes, which a flood of attempts would push out.
    /// </summary>
    public static IReadOnlyList<TimelineEntry> Last(IReadOnlyList<TimelineEntry> timeline, int perSide = LastSteps)
    {
        var kept = timeline.GroupBy(entry => (entry.IsChange, entry.Side is "stub" or "receiver" ? "customer" : entry.Side))
            .SelectMany(side => side.TakeLast(perSide)).ToHashSet(ReferenceEqualityComparer.Instance);
        return [.. timeline.Where(kept.Contains)];
    }

    /// <summary>What the dispatcher did after a moment is left out: it goes on while its drill is being judged.</summary>
    public static IReadOnlyList<TimelineEntry> Until(IReadOnlyList<TimelineEntry> timeline, DateTimeOffset end) =>
        [.. timeline.Where(entry => entry.At <= end || entry.Side != "dispatcher")];

    /// <summary>What happened to several endpoints one after another, in one line.</summary>
    public static IReadOnlyList<TimelineEntry> Fold(TimelineEntry[] entries)
    {
        var folded = new List<TimelineEntry>(entries.Length);
        for (var i = 0; i < entries.Length;)
        {
            var first = entries[i];
            var end = i + 1;
            while (end < entries.Length && first.Endpoint is not null && entries[end].Endpoint is not null && Same(entries[end], first)) end++;
            long[] endpoints = [.. entries[i..end].Select(entry => (long)(entry.Endpoint ?? 0)).Distinct().Order()];
            if (endpoints.Length >= Alike) folded.Add(first with { Text = $"endpoints {See.List(endpoints)}: {first.Text}" });
            else folded.AddRange(entries[i..end].Select(entry => entry.Endpoint is { } endpoint ? entry with { Text = $"endpoint {endpoint}: {entry.Text}" } : entry));
            i = end;
        }

        return folded;
    }

    private static bool TellsAnAttempt(LogLine line) =>
        line.Who == "dispatcher" && line.Text.Contains(": Delivery to ep_", StringComparison.Ordinal) && line.Text.Contains(" failed at seq ", StringComparison.Ordinal);

    private static bool Same(TimelineEntry one, TimelineEntry other) => (one.Side, one.Text) == (other.Side, other.Text);

    private static IEnumerable<TimelineEntry> Endpoint(EndpointEvidence one, bool many)
    {
        foreach (var request in one.Requests)
        {
            var seqs = request.Request.Seqs is { } held ? held.From == held.To ? $"{held.From}" : $"{held.From}-{held.To}" : "no number";
            yield return new(request.Request.ArrivedAt, "stub", $"{request.Request.Method} {seqs} ({request.Request.WebhookId}), answers {request.Answer}");
        }

        foreach (var attempt in one.Attempts)
        {
            var (status, detail) = (attempt.Status is { } code ? $" {code}" : "", attempt.Detail.Length > 0 ? $": {Cut(attempt.Detail)}" : "");
            // Of many endpoints the same is told in one line, whatever the milliseconds.
            var took = many ? "" : $" after {attempt.DurationMs} ms";
            yield return new(attempt.At + TimeSpan.FromMilliseconds(attempt.DurationMs), "dispatcher",
                $"attempt {attempt.Number} of {attempt.Seq} failed: {attempt.Outcome}{status}{took}{detail}");
        }

        foreach (var run in one.Settlements)
        {
            if (run.Last < run.First) continue;
            yield return new(run.At, "dispatcher", $"settled {(run.First == run.Last ? $"{run.First}" : $"{run.First}-{run.Last}")} as {run.Outcome}, cursor {run.Cursor}");
        }

        foreach (var change in one.Changes) yield return Change(change);
    }

    private static TimelineEntry Change(OperationalSeen change) => new(change.At, "dispatcher", $"{change.Type} by {change.Actor} {Cut(change.Details)}") { IsChange = true };

    private static string Cut(string text) => (text.Length <= 200 ? text : text[..200] + "...").ReplaceLineEndings(" ");
}
