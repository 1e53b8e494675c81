using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Running;
using Xunit.Abstractions;

namespace Webhooks.Conformance.Tests.Sample;

/// <summary>Our own receiver, as an integrator runs it, passes every case.</summary>
public sealed class SampleTests(ITestOutputHelper output)
{
    [Fact]
    public Task Sample_OnSqlite_PassesEveryCase() => PassesAsync(SampleInbox.Sqlite, 1, skipped: ["two-nodes"], output);

    internal static async Task PassesAsync(SampleInbox inbox, int nodes, string[] skipped, ITestOutputHelper output)
    {
        await using var sample = await SampleNodes.StartAsync(inbox, nodes);
        var outcome = await SuiteRun.RunAsync(sample.Settings, Catalogue.All, result => output.WriteLine($"{result.Verdict} {result.Case.Name} {result.Took.TotalSeconds:F1} s {result.Reason}"), CancellationToken.None);
        Assert.Empty(outcome.Results.Where(result => result.Verdict == Verdict.Failed).Select(result => $"{result.Case.Name}: {result.Reason}"));
        Assert.Equal(skipped, outcome.Results.Where(result => result.Verdict == Verdict.Skipped).Select(result => result.Case.Name));
    }
}

/// <summary>In a class of its own, so that both run at the same time.</summary>
public sealed class TwoNodeSampleTests(ITestOutputHelper output)
{
    [Fact]
    public Task Sample_TwoNodesOnPostgreSql_PassesEveryCase() => SampleTests.PassesAsync(SampleInbox.PostgreSql, 2, skipped: [], output);
}
