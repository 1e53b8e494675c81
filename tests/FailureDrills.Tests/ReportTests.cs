using System.Text.Json;
using System.Xml.Linq;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Reporting;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;

namespace Webhooks.FailureDrills.Tests;

/// <summary>The same outcome in every form that it is reported in.</summary>
public class ReportTests
{
    private static readonly DateTimeOffset Began = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private static readonly Drill Drill = new("an-example", "Something that holds")
    {
        Tags = ["answers"], Story = "A story.", Stub = Script.Of(Answer.Ok), Steps = [Steps.Publish(1)], Expect = [See.Delivered(1)],
    };

    private static readonly RunOutcome Outcome = new(
    [
        new DrillResult(Drill, "scripted", Verdict.Failed)
        {
            Missed = [new Missed("event 1 is delivered", "it is \u0001not")], Took = TimeSpan.FromSeconds(2),
            Timeline = [.. Enumerable.Range(0, 100).Select(i => new TimelineEntry(Began.AddMilliseconds(i), i % 2 == 0 ? "stub" : "dispatcher", $"step {i}"))],
        },
        new DrillResult(Drill, "wiremock-net", Verdict.NotSupported) { Reason = "it cannot do a connection reset" },
        new DrillResult(Drill, "wiremock", Verdict.NotRun) { Reason = "no Java" },
    ], ["not run with wiremock: no Java"], TimeSpan.FromSeconds(3));

    [Fact]
    public void Text_OfAFailure_HasTheLastTwentyStepsOfEitherSide()
    {
        var text = TextReport.Failure(Outcome.Results[0]);
        Assert.Equal(40, text.Split('\n').Count(line => line.Contains("step ", StringComparison.Ordinal)));
        Assert.Contains("0.060  <- stub     step 60", text, StringComparison.Ordinal);
        Assert.DoesNotContain("step 59", text, StringComparison.Ordinal);
        Assert.Equal("0 passed, 1 failed, 1 not supported, 1 not run, in 3 s", TextReport.Sum(Outcome));
    }

    [Fact]
    public void LastSteps_UnderAFloodOfAttempts_StillHaveTheDrillsOwnAndThePause()
    {
        TimelineEntry[] all =
        [
            new(Began, "drill", "publish an event"), new(Began, "dispatcher", "endpoint.paused by dispatcher") { IsChange = true },
            .. Enumerable.Range(0, 500).Select(i => new TimelineEntry(Began.AddSeconds(1 + i), "dispatcher", $"attempt {i}")), new(Began.AddHours(1), "stub", "POST 1"),
        ];
        var last = Timeline.Last(all);
        Assert.Equal(["publish an event", "endpoint.paused by dispatcher", "attempt 480"], last.Take(3).Select(entry => entry.Text));
        Assert.Equal(23, last.Count);
    }

    [Fact]
    public void Steps_AfterTheDrillHadFailed_AreLeftOutOnThePlatformsSide() => Assert.Equal(
        ["before", "the customer's clock may be another"],
        Timeline.Until(
            [new(Began, "dispatcher", "before"), new(Began.AddSeconds(2), "dispatcher", "after"), new(Began.AddSeconds(3), "stub", "the customer's clock may be another")],
            Began.AddSeconds(1)).Select(entry => entry.Text));

    [Fact]
    public void Steps_ThatAreTheSameOnManyEndpoints_AreOneLine()
    {
        TimelineEntry[] all = [.. Enumerable.Range(1, 6).Select(i => new TimelineEntry(Began, "dispatcher", i == 5 ? "another" : "the same") { Endpoint = i })];
        Assert.Equal(["endpoints 1-4: the same", "endpoint 5: another", "endpoint 6: the same"], Timeline.Fold(all).Select(entry => entry.Text));
    }

    [Fact]
    public void JUnit_CountsWhatWasNotRunAsSkipped()
    {
        var suites = XDocument.Parse(JUnitReport.Of(Outcome)).Root!.Elements().ToDictionary(suite => suite.Attribute("name")!.Value);
        Assert.Equal("1", suites["failure drills, scripted"].Attribute("failures")!.Value);
        Assert.Equal("1", suites["failure drills, wiremock"].Attribute("skipped")!.Value);
        Assert.Equal("not run: no Java", suites["failure drills, wiremock"].Descendants("skipped").Single().Attribute("message")!.Value);
    }

    [Fact]
    public void Json_IsOneLineWithVerdictsAndWhatWasMissed()
    {
        var json = JsonReport.Of(Outcome);
        Assert.DoesNotContain('\n', json);
        var drills = JsonDocument.Parse(json).RootElement.GetProperty("drills");
        Assert.Equal(["failed", "not_supported", "not_run"], drills.EnumerateArray().Select(drill => drill.GetProperty("verdict").GetString()));
        Assert.Equal("event 1 is delivered", drills[0].GetProperty("missed")[0].GetProperty("expectation").GetString());
    }

    [Fact]
    public void Markdown_HasATableOfDriversAndASequenceOfEachDrill()
    {
        var page = MarkdownReport.Of(Outcome);
        Assert.Contains("| [an-example](#an-example) | Something that holds | FAIL | not supported | not run |", page, StringComparison.Ordinal);
        Assert.Contains("- expected: event 1 is delivered", page, StringComparison.Ordinal);
        Assert.Contains("step 99", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_TellsStoryStepsAndStandingPromises()
    {
        var text = TextReport.Explain(Drill);
        foreach (var part in new[] { "A story.", "1. publish an event", "- event 1 is delivered", "- the ledger balances: published = settled + held" })
            Assert.Contains(part, text, StringComparison.Ordinal);
    }
}
