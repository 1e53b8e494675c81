using Webhooks.Tests.Shared;

namespace Webhooks.Dispatcher.Tests;

public class PublicApiTests
{
    [Fact]
    public void PublicApi_IsTheApprovedOne() => PublicApi.AssertApproved(typeof(IWebhookPublisher).Assembly);
}
