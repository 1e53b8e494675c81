using System.Globalization;
using System.Text;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Seeing;

namespace Webhooks.FailureDrills.Reporting;

/// <summary>A run as lines for people.</summary>
internal static class TextReport
{
    private const int NameWidth = 34, DriverWidth = 13;

    public static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "pass",
        Verdict.Failed => "FAIL",
        Verdict.NotSupported => "not supported",
        _ => "not run",
    };

    /// <summary>One drill on one driver, in a line; what failed in more.</summary>
    public static string Line(DrillResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{Word(result.Verdict),-13} {result.Drill.Name.PadRight(NameWidth)} {result.Driver.PadRight(DriverWidth)} ")
        + (result.Verdict is Verdict.Passed or Verdict.Failed
            ? string.Create(CultureInfo.InvariantCulture, $"{result.Drill.Proves} ({result.Took.TotalSeconds:F1} s)") : result.Reason);

    /// <summary>What was expected, what was seen, and the last steps of both sides.</summary>
    public static string Failure(DrillResult result)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{result.Drill.Name} on {result.Driver} failed: {result.Drill.Proves}");
        foreach (var missed in result.Missed)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  expected  {missed.Expectation}");
            text.AppendLine(CultureInfo.InvariantCulture, $"  seen      {missed.Observation}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"  the last {Timeline.LastSteps} steps of either side, of the drill itself, and changes of state:");
        foreach (var line in Steps(Timeline.Last(result.Timeline), result.Timeline)) text.AppendLine(CultureInfo.InvariantCulture, $"    {line}");
        return text.ToString();
    }

    /// <summary>Entries as lines: seconds from the beginning, the side, what happened.</summary>
    public static IEnumerable<string> Steps(IEnumerable<TimelineEntry> entries, IReadOnlyList<TimelineEntry> whole) => entries.Select(entry =>
        string.Create(CultureInfo.InvariantCulture, $"{(entry.At - whole[0].At).TotalSeconds,8:F3}  {Lane(entry.Side),-12}{entry.Text.ReplaceLineEndings(" ")}"));

    public static string Sum(RunOutcome outcome) => string.Create(CultureInfo.InvariantCulture,
        $"{outcome.Count(Verdict.Passed)} passed, {outcome.Count(Verdict.Failed)} failed, ")
        + string.Create(CultureInfo.InvariantCulture, $"{outcome.Count(Verdict.NotSupported)} not supported, {outcome.Count(Verdict.NotRun)} not run, ")
        + string.Create(CultureInfo.InvariantCulture, $"in {outcome.Took.TotalSeconds:F0} s");

    public static string Explain(Drill drill)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{drill.Name}: {drill.Proves}").AppendLine();
        text.AppendLine(drill.Story.ReplaceLineEndings(" ")).AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Tags      {string.Join(", ", drill.Tags)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"The stub  answers {drill.Stub.Words}");
        if (drill.Needs != Can.Nothing) text.AppendLine(CultureInfo.InvariantCulture, $"It needs  {drill.Needs.Words()}");
        text.AppendLine("Steps");
        for (var i = 0; i < drill.Steps.Count; i++) text.AppendLine(CultureInfo.InvariantCulture, $"  {i + 1}. {drill.Steps[i].Words}");
        text.AppendLine("Seen at the end");
        foreach (var expected in drill.Expect.Concat(StandingPromises.Of(drill))) text.AppendLine(CultureInfo.InvariantCulture, $"  - {expected.Words}");
        text.AppendLine(CultureInfo.InvariantCulture, $"Within    {drill.Budget.TotalSeconds:F0} s");
        if (drill.Bites.Count > 0) text.AppendLine(CultureInfo.InvariantCulture, $"Notices   {string.Join(", ", drill.Bites)}");
        return text.ToString();
    }

    public static IEnumerable<string> List(IEnumerable<Drill> drills) => drills.Select(drill => $"{drill.Name.PadRight(NameWidth)} {drill.Category,-9} {drill.Proves}");

    private static string Lane(string side) => side is "stub" or "receiver" ? $"<- {side}" : side;
}
