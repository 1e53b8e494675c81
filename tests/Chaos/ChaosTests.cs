using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Running;
using Xunit.Abstractions;

namespace Webhooks.Chaos;

/// <summary>Promises 1 to 5, 7, 10, 11 and 12 under fire. A run that fails names its seed, and where the state of both sides is.</summary>
public class ChaosTests(ITestOutputHelper output)
{
    [Fact]
    public Task Run_UnderKillsSuspensionsRestartsAndFaults_LosesNothingDoublesNothingKeepsOrder() => BalancesAsync(60, 3, 2, output);

    internal static async Task BalancesAsync(int seconds, int dispatchers, int receivers, ITestOutputHelper output, DispatcherHost? host = null)
    {
        var settings = new ChaosSettings(TimeSpan.FromSeconds(seconds), dispatchers, receivers, Random.Shared.Next()) { Host = host ?? DispatcherHost.InBox };
        var outcome = await ChaosRun.RunAsync(settings, output.WriteLine, CancellationToken.None);
        Assert.True(outcome.Summary.Balanced, $"{settings.Command}\n{outcome.Report}");
        Assert.True(outcome.Summary.Effects > 0);
    }
}

/// <summary>The same with one of each, where there is nobody to take over; in a class of its own, so that both run at the same time.</summary>
public class LoneChaosTests(ITestOutputHelper output)
{
    [Fact]
    public Task Run_OneDispatcherAndOneReceiver_LosesNothingDoublesNothingKeepsOrder() => ChaosTests.BalancesAsync(15, 1, 1, output);
}
