using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.FailureDrills.AgainstReceiver;
using Webhooks.Signing;
using Webhooks.Testing;

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

    [Fact]
    public async Task NobodyToAsk_IsToldHowToAgreeBeforehand()
    {
        await using var receiver = await StartAsync(app => app.MapPost("/hooks", () => Results.NoContent()), _ => { });
        var told = new StringWriter();
        Assert.Equal(DrillsCommand.CannotRun, await TargetCommand.RunAsync(Settings(receiver, null) with { IsAgreed = false }, () => null, told, CancellationToken.None));
        Assert.Contains("--yes", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OwnReceiver_RunTwiceFromTheSameNumber_TakesTheSecondRunForDuplicates()
    {
        // Other events with the same numbers would block the stream of a receiver that looks at them.
        await using var receiver = await StartAsync(app => app.MapWebhookReceiver("/hooks", "platform"), services => services.AddWebhookReceiver("platform", options =>
        {
            options.Secrets.Add(Newest.Reveal());
            options.Endpoint = Endpoint;
        }).UseMemoryInbox().HandleFallback((_, _, _) => Task.CompletedTask));
        var (_, first) = await RunAsync(receiver, null);
        var (code, second) = await RunAsync(receiver, null);
        Assert.True(code == DrillsCommand.AsExpected, second);
        Assert.Contains("--first-seq 5", first, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(302, "Nobody follows a redirect")]
    [InlineData(401, "Verify over the bytes of the body as they came")]
    [InlineData(404, "There is no receiver at this path")]
    [InlineData(409, "Another event has this number")]
    [InlineData(429, "lower --rate")]
    [InlineData(500, "The application failed at a right delivery")]
    public async Task RightDelivery_AnsweredOtherwise_IsToldWhatThatAnswerCallsFor(int status, string advice)
    {
        await using var receiver = await StartAsync(app => app.MapPost("/hooks", () => Results.Text("why it is so", statusCode: status)), _ => { });
        var (code, report) = await RunAsync(receiver, null);
        Assert.Equal(DrillsCommand.SomeFailed, code);
        Assert.Contains($"was answered {status} (\"why it is so\"), not 2xx", report, StringComparison.Ordinal);
        Assert.Contains("To fix, signature-right: ", report, StringComparison.Ordinal);
        Assert.Contains(advice, report, StringComparison.Ordinal);
    }

    [Fact]
    public void FailureAtWhatIsToBeRefused_IsToldWhyNotSo()
    {
        var drill = TargetDrills.All.Single(one => one.Name == "signature-wrong");
        var advice = Advice.For(new TargetResult(drill, [new WrongAnswer("it was answered 500", TargetRun.Kind(500), WasRight: false)], null));
        Assert.StartsWith(drill.Fix, Assert.Single(advice), StringComparison.Ordinal);
        Assert.Contains("Not 5xx", advice[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingThatListens_CannotBeDrilled()
    {
        var (code, report) = await RunAsync(new Uri($"http://127.0.0.1:{FreePort.Next()}/hooks"), settings => settings);
        Assert.Equal(DrillsCommand.CannotRun, code);
        Assert.Contains("Nothing is reached at this address", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReceiverThatHangs_IsToldToAnswerFirst()
    {
        await using var receiver = await StartAsync(app => app.MapPost("/hooks", async context => await Task.Delay(Timeout.Infinite, context.RequestAborted)), _ => { });
        var (code, report) = await RunAsync(new Uri(new Uri(receiver.Urls.First()), "/hooks"), settings => settings with { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Equal(DrillsCommand.SomeFailed, code);
        Assert.Contains("store the event, answer, and call handlers afterwards", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_HasVerdictsAndWhatToFix()
    {
        await using var receiver = await StartAsync(app => app.MapPost("/hooks", () => Results.NoContent()), _ => { });
        var (_, report) = await RunAsync(new Uri(new Uri(receiver.Urls.First()), "/hooks"), settings => settings with { AsJson = true });
        using var json = JsonDocument.Parse(report.TrimEnd().Split('\n')[^1]);
        Assert.Equal((3, 6, 1), (Count("passed"), Count("failed"), Count("skipped")));
        Assert.NotEmpty(json.RootElement.GetProperty("drills")[1].GetProperty("fix")[0].GetString()!);

        int Count(string name) => json.RootElement.GetProperty(name).GetInt32();
    }

    private static Task<(int Code, string Report)> RunAsync(WebApplication receiver, WebhookSecret? old) =>
        RunAsync(Settings(receiver, old).Url, settings => settings with { Secrets = new TargetSecrets(Newest, old) });

    private static async Task<(int Code, string Report)> RunAsync(Uri url, Func<TargetSettings, TargetSettings> change)
    {
        var told = new StringWriter();
        var settings = new TargetSettings(url, new TargetSecrets(Newest, null), Endpoint, FirstSeq: 1, PerSecond: 20, IsAgreed: true);
        var code = await TargetCommand.RunAsync(change(settings), () => null, told, CancellationToken.None);
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
