using Webhooks.Tests.Shared;

namespace Webhooks.Signing.NSec.Tests;

public class PublicApiTests
{
    [Fact]
    public void PublicApi_IsTheApprovedOne() => PublicApi.AssertApproved(typeof(NSecSigning).Assembly);
}
