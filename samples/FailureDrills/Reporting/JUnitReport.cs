using System.Globalization;
using System.Xml.Linq;
using Webhooks.FailureDrills.Running;

namespace Webhooks.FailureDrills.Reporting;

/// <summary>A run as the XML that build servers read.</summary>
internal static class JUnitReport
{
    public static string Of(RunOutcome outcome) =>
        $"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{new XElement("testsuites", outcome.Results.GroupBy(result => result.Driver).Select(Suite))}\n";

    private static XElement Suite(IGrouping<string, DrillResult> driver) => new(
        "testsuite", new XAttribute("name", $"failure drills, {driver.Key}"), new XAttribute("tests", driver.Count()),
        new XAttribute("failures", driver.Count(one => one.Verdict == Verdict.Failed)), new XAttribute("errors", 0),
        new XAttribute("skipped", driver.Count(one => one.Verdict is Verdict.NotRun or Verdict.NotSupported)),
        new XAttribute("time", Seconds(driver.Sum(one => one.Took.TotalSeconds))), driver.Select(Case));

    private static XElement Case(DrillResult result) => new(
        "testcase", new XAttribute("name", result.Drill.Name), new XAttribute("classname", $"drills.{result.Driver}.{result.Drill.Category}"),
        new XAttribute("time", Seconds(result.Took.TotalSeconds)),
        result.Verdict switch
        {
            Verdict.Failed => new XElement(
                "failure", new XAttribute("message", Printable($"expected: {result.Missed[0].Expectation}; seen: {result.Missed[0].Observation}")),
                Printable(TextReport.Failure(result))),
            Verdict.Passed => null,
            _ => new XElement("skipped", new XAttribute("message", Printable($"{TextReport.Word(result.Verdict)}: {result.Reason}"))),
        });

    private static string Seconds(double seconds) => seconds.ToString("F3", CultureInfo.InvariantCulture);

    // XML has no way at all to write most control characters.
    private static string Printable(string text) => string.Concat(text.Where(System.Xml.XmlConvert.IsXmlChar));
}
