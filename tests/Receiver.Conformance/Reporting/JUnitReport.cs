using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Webhooks.Conformance.Running;

namespace Webhooks.Conformance.Reporting;

/// <summary>A run as the XML that build servers read.</summary>
internal static class JUnitReport
{
    private const string Suite = "webhook receiver conformance";

    private static XDocument Of(SuiteOutcome outcome) => new(new XElement("testsuites", new XElement(
        "testsuite", new XAttribute("name", Suite), new XAttribute("tests", outcome.Results.Count), new XAttribute("failures", outcome.Failed),
        new XAttribute("errors", 0), new XAttribute("skipped", outcome.Skipped), new XAttribute("time", Seconds(outcome.Results.Sum(result => result.Took.TotalSeconds))),
        outcome.Results.Select(Case))));

    public static void Save(SuiteOutcome outcome, string path)
    {
        // Without a byte order mark: some of what reads the file takes nothing before the XML declaration.
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        Of(outcome).Save(file);
    }

    private static XElement Case(CaseResult result) => new(
        "testcase", new XAttribute("name", result.Case.Name), new XAttribute("classname", "conformance"), new XAttribute("time", Seconds(result.Took.TotalSeconds)),
        result.Verdict switch
        {
            Verdict.Failed => new XElement("failure", new XAttribute("message", result.Case.Title), Printable(result.Reason!)),
            Verdict.Skipped => new XElement("skipped", new XAttribute("message", Printable(result.Reason!))),
            _ => null,
        });

    private static string Seconds(double seconds) => seconds.ToString("F3", CultureInfo.InvariantCulture);

    // XML has no way at all to write most control characters.
    private static string Printable(string text) => string.Concat(text.Where(System.Xml.XmlConvert.IsXmlChar));
}
