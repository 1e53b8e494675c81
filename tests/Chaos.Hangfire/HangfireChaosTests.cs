using Xunit.Abstractions;

namespace Webhooks.Chaos.Hangfire;

/// <summary>The run of <c>tests/Chaos</c>, with Hangfire servers in the dispatcher processes: real kill -9, SIGSTOP and restarts, and the same ledger.</summary>
public class HangfireChaosTests(ITestOutputHelper output)
{
    [Fact]
    public Task Run_HangfireServersAreKilledAndSuspended_LosesNothingDoublesNothingKeepsOrder() => ChaosTests.BalancesAsync(30, 2, 1, output, HangfireServers.Host);
}
