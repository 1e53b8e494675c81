using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.FailureDrills.AgainstReceiver;
using Webhooks.Signing;

namespace Webhooks.FailureDrills.Tests;

/// <summary>Drills against the user's own receiver: they ask first, and tell what is to be fixed.</summary>
public class TargetTests
{
    private const string Endpoint = "ep_drills";
    private static readonly WebhookSecret Newest = WebhookSecret.Generate(), Old = WebhookSecret.Generate();

    [Fact]
    public async Task OwnReceiver_WithBothSecrets_PassesAllOfThem()
    {
        await using var receiver = await StartAsync(app => app.MapWebhookReceiver("/hooks", "platform"), services => services.AddWebhookReceiver("platform", options =>
        {
            options.Secrets.Add(Newest.Reveal());
            options.Secrets.Add(Old.Reveal());
            options.Endpoint = Endpoint;
        }).UseMemoryInbox().HandleFallback((_, _, _) => Task.CompletedTask));
        var (code, report) = await RunAsync(receiver, Old);
        Assert.True(code == DrillsCommand.AsExpected, report);
        Assert.Contains($"{TargetDrills.All.Count} passed, 0 failed, 0 skipped", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReceiverThatBelievesEverything_IsToldWhatToFix()
    {
        await using var receiver = await StartAsync(app => app.MapPost("/hooks", () => Results.NoContent()), _ => { });
        var (code, report) = await RunAsync(receiver, null);
        Assert.Equal(DrillsCommand.SomeFailed, code);
        foreach (var name in new[] { "signature-wrong", "signature-missing", "body-altered", "replay-old", "replay-future" })
            Assert.Contains($"To fix, {name}: ", report, StringComparison.Ordinal);
        Assert.Contains("skip  rotation", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutAYes_NothingIsSent()
    {
        var requests = 0;
        await using var receiver = await StartAsync(app => app.MapPost("/hooks", () => requests++), _ => { });
        var told = new StringWriter();
        var code = await TargetCommand.RunAsync(Settings(receiver, null) with { IsAgreed = false }, () => "n", told, CancellationToken.None);
        Assert.Equal((DrillsCommand.CannotRun, 0), (code, requests));
        Assert.Contains("Nothing was sent.", told.ToString(), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Report)> RunAsync(WebApplication receiver, WebhookSecret? old)
    {
        var told = new StringWriter();
        var code = await TargetCommand.RunAsync(Settings(receiver, old), () => null, told, CancellationToken.None);
        var report = told.ToString();
        Assert.DoesNotContain(Newest.Reveal(), report, StringComparison.Ordinal);
        return (code, report);
    }

    private static TargetSettings Settings(WebApplication receiver, WebhookSecret? old) =>
        new(new Uri(new Uri(receiver.Urls.First()), "/hooks"), new TargetSecrets(Newest, old), Endpoint, FirstSeq: 1, PerSecond: 20, IsAgreed: true);

    private static async Task<WebApplication> StartAsync(Action<WebApplication> map, Action<IServiceCollection> add)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        add(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }
}
