using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver.Tests;

/// <summary>A sender that refuses, contradicts itself or is gone: surfaced, borne, and never asked in a tight loop.</summary>
public sealed class FeedTroubleTests
{
    [Fact]
    public async Task Feed_EndpointDeleted_IsSurfaced_AndAskedWithBackoff()
    {
        await using var feed = await FeedServer.StartAsync(1);
        await using var app = await StartAsync(feed, options => (options.FeedRetryMin, options.FeedRetryMax) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)));
        await app.UntilProcessedAsync(1);
        feed.IsDeleted = true;
        var before = feed.Reads.Count;
        await app.Status.ProbeAsync(TestApp.Source);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError == "EndpointDeleted, status 410");
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());
        await TurnsAsync(app);
        Assert.Equal(before + 1, feed.Reads.Count);
    }

    /// <summary>It was logged as a matter of secrets, which sent people to look for what was not wrong.</summary>
    [Fact]
    public async Task Feed_ForbiddenByReceiverAccess_IsToldAsThat_AndReadWhenAllowed()
    {
        using var logs = new LogRecorder();
        await using var feed = await FeedServer.StartAsync(2);
        feed.IsForbidden = true;
        await using var app = await StartAsync(feed, services: services => services.AddSingleton<ILoggerProvider>(logs));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError == "the endpoint's receiver_access does not allow it");
        Assert.Contains(logs.Lines, line => line.Contains("receiver_access", StringComparison.Ordinal));
        Assert.DoesNotContain(logs.Lines, line => line.Contains("none of the configured secrets", StringComparison.Ordinal));
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());
        feed.IsForbidden = false;
        await app.UntilProcessedAsync(2);
    }

    /// <summary>An API key opens what no signature does; the answer's signature is held against the secrets all the same, and the key is in no log.</summary>
    [Fact]
    public async Task Feed_ByApiKey_IsReadAndVerified_AndARefusedKeyIsToldAsThat()
    {
        const string key = "wk_canary_of_the_feed";
        using var logs = new LogRecorder();
        await using var feed = await FeedServer.StartAsync(3);
        (feed.Accepts, feed.ApiKey) = ([Signing.WebhookSecret.Generate()], "wk_another");
        await using var app = await StartAsync(feed, options => options.FeedApiKey = key, services: services => services.AddSingleton<ILoggerProvider>(logs));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError == "Unauthorized, status 401");
        await Wait.UntilAsync(() => Task.FromResult(logs.Lines.Any(line => line.Contains("nor FeedApiKey", StringComparison.Ordinal))));

        var own = feed.SignsWith;
        (feed.ApiKey, feed.SignsWith) = (key, Signing.WebhookSecret.Generate());
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError?.StartsWith("Unverified", StringComparison.Ordinal) is true);
        feed.SignsWith = own;
        await app.UntilProcessedAsync(3);
        Assert.DoesNotContain(logs.Lines, line => line.Contains("canary", StringComparison.Ordinal));
    }

    /// <summary>Whoever stands between may refuse too, and says nothing about the endpoint.</summary>
    [Fact]
    public async Task Feed_ForbiddenWithoutASignature_IsToldAsARefusal()
    {
        await using var feed = await FeedServer.StartAsync(1);
        feed.Refusals.Enqueue(403);
        await using var app = await StartAsync(feed, options => (options.FeedRetryMin, options.FeedRetryMax) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError == "Refused, status 403");
    }

    /// <summary>Whoever stands between may answer with any Retry-After; it ended the loop once, for no timer reaches that far.</summary>
    [Fact]
    public async Task Feed_RetryAfterOfCenturies_LeavesAProbePossible()
    {
        await using var feed = await FeedServer.StartAsync(2);
        feed.Refusals.Enqueue(429);
        feed.RefusalRetryAfter = "2147483647";
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);
        await app.Status.ProbeAsync(TestApp.Source);
        await app.UntilProcessedAsync(2);
    }

    /// <summary>The wait before the next call for delivery once held up reading too.</summary>
    [Theory]
    [InlineData(429, 3600)]
    [InlineData(422, null)]
    [InlineData(403, null)]
    public async Task Resume_Refused_TheFeedIsReadOn(int status, int? retryAfter)
    {
        await using var feed = await FeedServer.StartAsync(1);
        (feed.PauseReason, feed.ResumeStatus, feed.ResumeRetryAfter) = ("failing", status, retryAfter);
        await using var app = await StartAsync(feed, options => (options.FeedRetryMin, options.FeedRetryMax) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)));
        await Wait.UntilAsync(() => Task.FromResult(!feed.Resumes.IsEmpty));
        feed.Add(2, 2);
        await app.UntilProcessedAsync(2);
        Assert.Single(feed.Resumes);
        Assert.Equal("failing", (await app.StreamAsync()).PauseReason);
    }

    /// <summary>"Only an operator can" is believed until the state changes, so anybody's word is not enough for it.</summary>
    [Fact]
    public async Task Resume_RefusedWithoutASignature_IsAskedAgain()
    {
        await using var feed = await FeedServer.StartAsync(1);
        (feed.PauseReason, feed.ResumeStatus, feed.SignsResume) = ("failing", 409, false);
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(() => Task.FromResult(feed.Resumes.Count > 1));
        (feed.ResumeStatus, feed.SignsResume) = (200, true);
        await Wait.UntilAsync(() => Task.FromResult(feed.PauseReason is null));
    }

    [Fact]
    public async Task Epoch_OfADeliveryUnknownToTheFeed_IsSurfaced_AndAskedWithBackoff()
    {
        await using var feed = await FeedServer.StartAsync(1);
        await using var app = await StartAsync(feed, options => (options.FeedRetryMin, options.FeedRetryMax) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)));
        await app.UntilProcessedAsync(1);
        Assert.Equal(204, await app.DeliverAsync(2, epoch: 3));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is { } error && error.Contains("epoch 3", StringComparison.Ordinal));
        var reads = feed.Reads.Count;
        await TurnsAsync(app);
        Assert.Equal(reads, feed.Reads.Count);
    }

    [Fact]
    public async Task Expired_ThoughAskedForAboveTheFloor_IsSurfaced_AndNothingIsLost()
    {
        await using var feed = await FeedServer.StartAsync(3);
        await using var app = await StartAsync(feed, options =>
        {
            options.OnUnrecoverableGap = UnrecoverableGapPolicy.SkipAndRecord;
            (options.FeedRetryMin, options.FeedRetryMax) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));
        });
        await app.UntilProcessedAsync(3);
        feed.AlwaysExpired = true;
        var reads = feed.Reads.Count;
        await app.Status.ProbeAsync(TestApp.Source);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);
        await TurnsAsync(app);
        Assert.Equal(reads + 1, feed.Reads.Count);
        Assert.Empty((await app.StreamAsync()).Passed);
    }

    /// <summary>A stream that is blocked by numbers it cannot have once took in whatever the feed had, without a limit.</summary>
    [Fact]
    public async Task Expired_Blocked_TheFeedIsReadOnlyToTheInboxLimit()
    {
        await using var feed = await FeedServer.StartAsync(1);
        await using var app = await StartAsync(feed, options => (options.InboxLimit, options.BackfillPageSize) = (10, 5));
        await app.UntilProcessedAsync(1);
        feed.Add(2, 60);
        feed.Floor = 4;
        await app.Status.ProbeAsync(TestApp.Source);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { Unrecoverable: not null, Waiting: >= 10 });
        Assert.Equal(new SeqRange(2, 3), (await app.StreamAsync()).Unrecoverable);
        await TurnsAsync(app);
        Assert.InRange((await app.StreamAsync()).Waiting, 10, 14);
    }

    [Fact]
    public async Task Unreachable_AtStart_DeliveriesAreTakenAndTheRestComesLater()
    {
        var feed = await FeedServer.StartAsync(3);
        var address = feed.Address;
        await feed.DisposeAsync();
        await using var app = await TestApp.StartAsync(options => (options.FeedBaseAddress, options.Endpoint) = (address, Sent.Endpoint),
            builder => builder.HandleFallback((_, _, _) => Task.CompletedTask));
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(1);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError == "Unreachable");
        Assert.Equal(204, await app.DeliverAsync(2));
        await app.UntilProcessedAsync(2);
    }

    [Fact]
    public async Task Page_WithAnotherEndpointsEvent_IsNotStored()
    {
        await using var feed = await FeedServer.StartAsync(1);
        feed.Events[2] = Sent.Event(2, endpoint: "ep_other").Body;
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);
        await app.UntilProcessedAsync(1);
        Assert.Equal(1, (await app.StreamAsync()).HighestStored);
    }

    /// <summary>Wakes the loop more often than a tight one would need, without asking for a probe.</summary>
    private static async Task TurnsAsync(TestApp app)
    {
        var source = ((ReceiverRegistry)app.Services.GetService(typeof(ReceiverRegistry))!).Get(TestApp.Source);
        for (var turn = 0; turn < 20; turn++)
        {
            source.Missing.Set();
            await Wait.UntilAsync(() => Task.FromResult(!source.Missing.IsSet));
        }
    }

    private static Task<TestApp> StartAsync(
        FeedServer feed, Action<WebhookReceiverOptions>? configure = null, Action<IServiceCollection>? services = null) => TestApp.StartAsync(
        options =>
        {
            (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint);
            configure?.Invoke(options);
        },
        builder => builder.HandleFallback((_, _, _) => Task.CompletedTask), services: services);
}
