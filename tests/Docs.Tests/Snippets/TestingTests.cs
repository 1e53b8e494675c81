using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Testing;

namespace Webhooks.Docs.Tests.Snippets;

/// <summary>The test that the guide shows to integrators, run.</summary>
public class TestingTests
{
    [Fact]
    public async Task DuplicateAndLoss_AreNeitherSeenByTheHandler()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddWebhookReceiver("platform", _ => { }).UseMemoryInbox()
            .Handle("invoice.paid", (paid, context, cancellationToken) => Task.CompletedTask);
        #region testing
        await using var sender = new TestSender();
        var probe = new WebhookProbe();
        builder.WebHost.UseTestServer();
        builder.Services.UseTestSender("platform", sender).AddWebhookProbe(probe);
        await using var app = builder.Build();
        app.MapWebhookReceiver("/hooks", "platform");
        await app.StartAsync();
        sender.PostTo(app.GetTestClient(), "/hooks");

        sender.Publish("invoice.paid", """{"invoice":"1"}""", """{"invoice":"2"}""", """{"invoice":"3"}""");
        await sender.PostAsync([1, 1, 3]);          // number 1 twice; number 2 is lost on the way, and in the feed

        await probe.UntilHandledAsync(3);
        Assert.Equal([1, 2, 3], probe.Seqs);
        #endregion
    }
}
