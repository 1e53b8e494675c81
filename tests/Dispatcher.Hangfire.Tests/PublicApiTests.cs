using Webhooks.Tests.Shared;

namespace Webhooks.Dispatcher.Hangfire.Tests;

public class PublicApiTests
{
    [Fact]
    public void PublicApi_IsTheApprovedOne() => PublicApi.AssertApproved(typeof(WebhookHangfireOptions).Assembly);
}
