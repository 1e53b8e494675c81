using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Running;
using Xunit.Abstractions;

namespace Webhooks.Conformance.Tests.Sample;

/// <summary>Our own receiver, as an integrator runs it, passes every case.</summary>
public sealed class SampleTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Sample_OnSqlite_PassesEveryCase() => await PassesAsync(SampleInbox.Sqlite, 1, skipped: ["two-nodes"]);

    [Fact]
    public async Task Sample_TwoNodesOnPostgreSql_PassesEveryCase() => await PassesAsync(SampleInbox.PostgreSql, 2, skipped: []);

    private async Task PassesAsync(SampleInbox inbox, int nodes, string[] skipped)
    {
        await using var sample = await SampleNodes.StartAsync(inbox, nodes);
        var outcome = await SuiteRun.RunAsync(sample.Settings, Catalogue.All, result => output.WriteLine($"{result.Verdict} {result.Case.Name} {result.Took.TotalSeconds:F1} s {result.Reason}"), CancellationToken.None);
        Assert.Empty(outcome.Results.Where(result => result.Verdict == Verdict.Failed).Select(result => $"{result.Case.Name}: {result.Reason}"));
        Assert.Equal(skipped, outcome.Results.Where(result => result.Verdict == Verdict.Skipped).Select(result => result.Case.Name));
    }
}
