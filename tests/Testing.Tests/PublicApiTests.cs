using Webhooks.Tests.Shared;

namespace Webhooks.Testing.Tests;

/// <summary>What integrators' tests build on changes only on purpose.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void PublicApi_OfTesting_IsAsApproved() => PublicApi.AssertApproved(typeof(TestSender).Assembly);
}
