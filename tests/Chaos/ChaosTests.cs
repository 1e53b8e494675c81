using Webhooks.Chaos.Running;
using Xunit.Abstractions;

namespace Webhooks.Chaos;

/// <summary>Promises 1 to 5, 7, 10, 11 and 12 under fire. A run that fails names its seed, and where the state of both sides is.</summary>
public class ChaosTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(60, 3, 2)]
    [InlineData(15, 1, 1)]
    public async Task Run_UnderKillsSuspensionsRestartsAndFaults_LosesNothingDoublesNothingKeepsOrder(int seconds, int dispatchers, int receivers)
    {
        var settings = new ChaosSettings(TimeSpan.FromSeconds(seconds), dispatchers, receivers, Random.Shared.Next());
        var outcome = await ChaosRun.RunAsync(settings, output.WriteLine, CancellationToken.None);
        Assert.True(outcome.Summary.Balanced, $"{settings.Command}\n{outcome.Report}");
        Assert.True(outcome.Summary.Effects > 0);
    }
}
