using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Catalogue;
using Webhooks.FailureDrills.Reporting;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Staging;
using Xunit.Abstractions;

namespace Webhooks.FailureDrills.Tests;

/// <summary>The catalogue, run as ./eng/drills runs it: the acceptance tests of the whole system.</summary>
public class CatalogueTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Run_WithEveryDriverOfThisMachine_IsSeenAsExpected()
    {
        await using var drivers = await Drivers.BringAsync([], null, null, null, CancellationToken.None);
        await using var databases = await Databases.StartAsync(CancellationToken.None);
        var outcome = await CatalogueRun.RunAsync(AllDrills.All, drivers, databases, new Pace(Patience: 5), (_, _) => { }, _ => { }, CancellationToken.None);
        foreach (var result in outcome.Results) output.WriteLine(TextReport.Line(result));
        output.WriteLine(TextReport.Sum(outcome));
        Assert.True(outcome.AllAsExpected, string.Join('\n', outcome.Results.Where(result => result.Verdict == Verdict.Failed).Select(TextReport.Failure)));
    }

    [Fact]
    public void Names_AreUniqueWordsWithHyphens()
    {
        Assert.Equal(AllDrills.All.Count, AllDrills.All.Select(drill => drill.Name).Distinct().Count());
        Assert.All(AllDrills.All, drill => Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", drill.Name));
    }

    [Fact]
    public void EachDrill_AtAnyScale_AsksTheDispatcherForWhatItAllows() => Assert.All(AllDrills.All, drill => Assert.All([DrillsCommand.LeastScale, 1, DrillsCommand.MostScale], scale =>
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(drill.Tuning.Settings(scale)).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionString"] = "Host=localhost", ["MasterKey"] = Convert.ToBase64String(new byte[32]),
        }).Build();
        var services = new ServiceCollection();
        services.AddWebhookDispatcher(configuration);
        using var provider = services.BuildServiceProvider();
        Assert.NotNull(provider.GetRequiredService<IOptions<WebhookDispatcherOptions>>().Value);
    }));

    [Fact]
    public void EachDrill_HasACategoryAStoryAndExpectations() => Assert.All(AllDrills.All, drill =>
    {
        Assert.Contains(drill.Category, AllDrills.Categories);
        Assert.True(drill.Story.Length > 80, drill.Name);
        Assert.NotEmpty(drill.Expect);
    });
}
