using System.Globalization;
using System.Text;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Seeing;

namespace Webhooks.FailureDrills.Reporting;

/// <summary>A run as a page: a table of drills and drivers, then each drill with the sequence of what happened.</summary>
internal static class MarkdownReport
{
    private const int MostSteps = 60;

    public static string Of(RunOutcome outcome)
    {
        var drivers = outcome.Results.Select(result => result.Driver).Distinct().ToList();
        var page = new StringBuilder("# Failure drills\n\n").Append(TextReport.Sum(outcome)).Append(".\n\n");
        foreach (var remark in outcome.Remarks) page.Append(CultureInfo.InvariantCulture, $"- {remark}\n");
        page.Append(CultureInfo.InvariantCulture, $"\n| drill | proves | {string.Join(" | ", drivers)} |\n|---|---|{string.Concat(drivers.Select(_ => "---|"))}\n");
        foreach (var drill in outcome.Results.GroupBy(result => result.Drill))
        {
            var cells = drivers.Select(driver => drill.FirstOrDefault(result => result.Driver == driver) is { } result ? TextReport.Word(result.Verdict) : "");
            page.Append(CultureInfo.InvariantCulture, $"| [{drill.Key.Name}](#{drill.Key.Name}) | {drill.Key.Proves} | {string.Join(" | ", cells)} |\n");
        }

        foreach (var drill in outcome.Results.GroupBy(result => result.Drill))
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {drill.Key.Name}\n\n{drill.Key.Story.ReplaceLineEndings(" ")}\n");
            foreach (var result in drill) Tell(page, result);
        }

        return page.ToString();
    }

    private static void Tell(StringBuilder page, DrillResult result)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n**{result.Driver}: {TextReport.Word(result.Verdict)}**");
        page.Append(result.Reason is { } reason ? $" ({reason})\n" : string.Create(CultureInfo.InvariantCulture, $" in {result.Took.TotalSeconds:F1} s\n"));
        foreach (var missed in result.Missed) page.Append(CultureInfo.InvariantCulture, $"\n- expected: {missed.Expectation}\n- seen: {missed.Observation}\n");
        if (result.Timeline.Count == 0) return;
        // A failed one is judged by its end, a good one read from its beginning.
        var shown = result.Timeline.Count <= MostSteps ? result.Timeline
            : result.Verdict == Verdict.Failed ? Timeline.Last(result.Timeline) : result.Timeline.Take(MostSteps);
        page.Append("\n```text\n");
        foreach (var line in TextReport.Steps(shown, result.Timeline)) page.Append(line).Append('\n');
        if (result.Timeline.Count > MostSteps) page.Append(CultureInfo.InvariantCulture, $"({result.Timeline.Count} steps in all)\n");
        page.Append("```\n");
    }
}
