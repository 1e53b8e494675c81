using Webhooks.Tests.Shared;

namespace Webhooks.Signing.Tests;

public class PublicApiTests
{
    [Fact]
    public void PublicApi_IsTheApprovedOne() => PublicApi.AssertApproved(typeof(WebhookSigner).Assembly);
}
