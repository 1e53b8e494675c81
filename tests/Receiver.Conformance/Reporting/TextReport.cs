using System.Globalization;
using Spectre.Console;
using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Running;

namespace Webhooks.Conformance.Reporting;

/// <summary>Tells each case as it ends, and the sum.</summary>
internal static class TextReport
{
    private const int NameWidth = 30;

    /// <summary>Into a pipe or a file go plain lines.</summary>
    public static void Prepare()
    {
        if (!Console.IsOutputRedirected) return;
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        AnsiConsole.Profile.Width = 1000;
    }

    public static void Tell(CaseResult result)
    {
        var (word, colour) = result.Verdict switch
        {
            Verdict.Passed => ("pass", "green"),
            Verdict.Failed => ("FAIL", "red"),
            _ => ("skip", "yellow"),
        };
        var took = result.Verdict == Verdict.Skipped ? "" : string.Create(CultureInfo.InvariantCulture, $" ({result.Took.TotalSeconds:F1} s)");
        AnsiConsole.MarkupLine($"[{colour}]{word}[/] {result.Case.Name.PadRight(NameWidth)} {Markup.Escape(result.Case.Title + took)}");
        if (result.Reason is { } reason) AnsiConsole.MarkupLine($"     {new string(' ', NameWidth)} [{colour}]{Markup.Escape(reason)}[/]");
    }

    public static void Sum(SuiteOutcome outcome) =>
        AnsiConsole.MarkupLineInterpolated($"{outcome.Passed} passed, {outcome.Failed} failed, {outcome.Skipped} skipped");

    public static void List(IEnumerable<ConformanceCase> cases)
    {
        foreach (var one in cases) AnsiConsole.MarkupLineInterpolated($"{one.Name.PadRight(NameWidth)} {one.Title}");
    }

    public static void Explain(ConformanceCase one)
    {
        AnsiConsole.MarkupLineInterpolated($"[bold]{one.Name}[/]: {one.Title}");
        AnsiConsole.WriteLine(one.Why);
        if (one.Needs != Needs.Nothing) AnsiConsole.MarkupLineInterpolated($"Needs: {one.Needs}");
    }
}
