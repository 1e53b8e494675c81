using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>What was missed is found, fetched or surfaced (promises 1 and 12), against a scripted sender.</summary>
public sealed class BackfillTests
{
    private readonly ConcurrentQueue<string> _processed = new();

    [Fact]
    public async Task Start_EventsWereMissed_AreFetchedAndProcessedInOrder()
    {
        await using var feed = await FeedServer.StartAsync(25);
        feed.PageLimit = 10;
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(25);
        Assert.Equal(Ids(1, 1, 25), _processed);
        Assert.Equal([0L, 10L, 20L], feed.Reads);
        Assert.Equal(25, (await app.Status.GetAsync(TestApp.Source)).Counts.Backfilled);
    }

    [Fact]
    public async Task Gap_AfterTheGrace_IsFetched()
    {
        await using var feed = await FeedServer.StartAsync();
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).FeedReadAt is not null);
        feed.Add(1, 4);
        Assert.Equal(204, await app.DeliverAsync(1));
        Assert.Equal(204, await app.DeliverAsync(4));
        await app.UntilProcessedAsync(4);
        Assert.Equal(Ids(1, 1, 4), _processed);
        Assert.Equal(HealthStatus.Healthy, await app.HealthAsync());
    }

    [Fact]
    public async Task Probe_AfterTheInterval_FindsALostLastEvent()
    {
        await using var feed = await FeedServer.StartAsync(1);
        await using var app = await StartAsync(feed, options => options.HeadProbeInterval = TimeSpan.FromMilliseconds(100));
        await app.UntilProcessedAsync(1);
        feed.Add(2, 2);
        await app.UntilProcessedAsync(2);
    }

    [Fact]
    public async Task Feed_DataIsKeptByteForByte()
    {
        await using var feed = await FeedServer.StartAsync();
        const string data = "{ \"n\" : 1.00000000000000000000001, \"s\":\"\\u00e9\" }";
        feed.Events[1] = Sent.Event(1, data: data).Body;
        var seen = new TaskCompletionSource<byte[]>();
        await using var app = await StartAsync(feed, handle: one => seen.TrySetResult(one.Data.ToArray()));
        Assert.Equal(data, System.Text.Encoding.UTF8.GetString(await seen.Task.WaitAsync(Wait.Limit)));
    }

    [Fact]
    public async Task Feed_AnswerSignedWithAnotherSecret_IsNotBelieved()
    {
        await using var feed = await FeedServer.StartAsync(3);
        feed.SignsWith = WebhookSecret.Generate();
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);
        Assert.Equal(0, (await app.Status.GetAsync(TestApp.Source)).Counts.Backfilled);
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());
        feed.SignsWith = TestApp.Secret;
        await app.UntilProcessedAsync(3);
    }

    [Fact]
    public async Task Feed_RefusesForAWhile_IsTriedAgain()
    {
        await using var feed = await FeedServer.StartAsync(3);
        foreach (var status in new[] { 500, 401, 429, 503 }) feed.Refusals.Enqueue(status);
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(3);
        // The look ends after the last of its events was stored, and it may have been processed by then.
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is null);
    }

    [Theory]
    [InlineData("failing")]
    [InlineData("gone")]
    public async Task Paused_CaughtUp_AsksForDeliveryAgain(string reason)
    {
        await using var feed = await FeedServer.StartAsync(7);
        feed.PauseReason = reason;
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(() => Task.FromResult(!feed.Resumes.IsEmpty));
        Assert.Equal(7, feed.Resumes.First());
        await Wait.UntilAsync(async () => (await app.StreamAsync()).PauseReason is null);
        await app.UntilProcessedAsync(7);
        Assert.Single(feed.Resumes);
    }

    [Fact]
    public async Task Paused_ByAnOperator_IsReadButNeverResumed()
    {
        await using var feed = await FeedServer.StartAsync(2);
        feed.PauseReason = "manual";
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(2);
        feed.Add(3, 3);
        await app.UntilProcessedAsync(3);
        Assert.Empty(feed.Resumes);
    }

    [Fact]
    public async Task Paused_ResumeRefused_IsNotAskedAgainUntilTheStateChanges()
    {
        await using var feed = await FeedServer.StartAsync(1);
        (feed.PauseReason, feed.ResumeStatus) = ("failing", 409);
        await using var app = await StartAsync(feed);
        await Wait.UntilAsync(() => Task.FromResult(feed.Resumes.Count == 1 && feed.Reads.Count > 4));
        Assert.Single(feed.Resumes);
    }

    [Fact]
    public async Task Expired_BlocksAndIsSurfaced_AndStillFetchesTheRest()
    {
        await using var feed = await FeedServer.StartAsync(3);
        using var folder = TestApp.NewFolder();
        await using (var first = await StartAsync(feed, folder: folder)) await first.UntilProcessedAsync(3);
        feed.Add(4, 12);
        feed.Floor = 8;
        await using var app = await StartAsync(feed, folder: folder);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { Unrecoverable: not null, HighestStored: 12 });
        var stream = await app.StreamAsync();
        Assert.Equal((new SeqRange(4, 7), 3L, true), (stream.Unrecoverable!.Value, stream.Watermark, stream.IsBlocked));
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
    }

    [Fact]
    public async Task Expired_SkipAndRecord_RecordsExactlyWhatIsMissing()
    {
        await using var feed = await FeedServer.StartAsync(3);
        using var folder = TestApp.NewFolder();
        await using (var first = await StartAsync(feed, folder: folder)) await first.UntilProcessedAsync(3);
        feed.Add(4, 12);
        feed.Floor = 8;
        await using var app = await StartAsync(feed, options => options.OnUnrecoverableGap = UnrecoverableGapPolicy.SkipAndRecord, folder: folder);
        await app.UntilProcessedAsync(12);
        Assert.Equal([new PassedRange(1, 4, 7, "lost")], (await app.StreamAsync()).Passed);
        Assert.Equal((8, 4), ((await app.Status.GetAsync(TestApp.Source)).Counts.Processed, (await app.Status.GetAsync(TestApp.Source)).Counts.Lost));
        Assert.Equal([.. Ids(1, 1, 3), .. Ids(1, 8, 12)], _processed);
    }

    [Fact]
    public async Task Epoch_BeginsBelowTheWatermark_IsReadAgainFromThere_AndTheOldIsListed()
    {
        await using var feed = await FeedServer.StartAsync(5);
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(5);
        (feed.Epoch, feed.EpochStart) = (2, 4);
        feed.Add(4, 8, epoch: 2);
        Assert.Equal(204, await app.DeliverAsync(8, epoch: 2));
        await app.UntilProcessedAsync(8);
        Assert.Equal([.. Ids(1, 1, 5), .. Ids(2, 4, 8)], _processed);
        Assert.Equal([new PassedRange(1, 4, 5, "superseded")], (await app.StreamAsync()).Passed);
        Assert.Equal(2, (await app.StreamAsync()).Epoch);
    }

    [Fact]
    public async Task Epoch_BeginsAboveTheWatermark_TheOldOnesComeFirst()
    {
        await using var feed = await FeedServer.StartAsync(2);
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(2);
        (feed.Epoch, feed.EpochStart) = (2, 5);
        feed.Add(3, 4);
        feed.Add(5, 6, epoch: 2);
        Assert.Equal(204, await app.DeliverAsync(6, epoch: 2));
        await app.UntilProcessedAsync(6);
        Assert.Equal([.. Ids(1, 1, 4), .. Ids(2, 5, 6)], _processed);
    }

    [Fact]
    public async Task Epoch_BeginsBelowTheWatermark_WithNothingInItYet_DoesNotAskAgainAndAgain()
    {
        await using var feed = await FeedServer.StartAsync(5);
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(5);
        (feed.Epoch, feed.EpochStart) = (2, 4);
        feed.Events.Remove(4);
        feed.Events.Remove(5);
        await app.Status.ProbeAsync(TestApp.Source);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { Epoch: 2, Watermark: 3, Gaps.Count: 0 });
        Assert.False((await app.Services.GetInboxAsync()).HasGap);
        Assert.Equal(0, (await app.Services.GetInboxAsync()).Waiting);
    }

    [Fact]
    public async Task Rotation_ConfigurationReloaded_HoldsForTheNextFeedRequestToo()
    {
        await using var feed = await FeedServer.StartAsync(2);
        var secret = WebhookSecret.Generate();
        (feed.Accepts, feed.SignsWith) = ([secret], secret);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Secrets:0:Value"] = TestApp.Secret.Reveal(), ["Endpoint"] = Sent.Endpoint, ["FeedBaseAddress"] = feed.Address.ToString(),
        }).Build();
        await using var app = await TestApp.StartAsync(section: configuration);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);
        configuration["Secrets:0:Value"] = secret.Reveal();
        configuration.Reload();
        await app.UntilProcessedAsync(2);
    }

    [Fact]
    public async Task Head_BelowTheWatermark_IsAConflict()
    {
        await using var feed = await FeedServer.StartAsync(5);
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(5);
        feed.HeadSaid = 3;
        feed.Events.Remove(4);
        feed.Events.Remove(5);
        await app.Status.ProbeAsync(TestApp.Source);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).Hold?.Reason == HoldReason.StreamConflict);
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
    }

    [Fact]
    public async Task EmptyInbox_BehindADeliveredStream_IsSuspectUntilAcknowledged()
    {
        await using var feed = await FeedServer.StartAsync(5);
        feed.Cursor = 5;
        await using var app = await StartAsync(feed);
        await app.UntilProcessedAsync(5);
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());
        await app.Status.AcknowledgeEmptyInboxAsync(TestApp.Source);
        Assert.Equal(HealthStatus.Healthy, await app.HealthAsync());
    }

    [Theory]
    [InlineData("floor", 3)]
    [InlineData("cursor", 6)]
    [InlineData("head", 10)]
    [InlineData("8", 8)]
    public async Task Start_EmptyInbox_BeginsWhereItIsTold(string startAt, long first)
    {
        await using var feed = await FeedServer.StartAsync(9);
        (feed.Floor, feed.Cursor) = (3, 5);
        await using var app = await StartAsync(feed, options => options.StartAt =
            (StartAt)System.ComponentModel.TypeDescriptor.GetConverter(typeof(StartAt)).ConvertFromInvariantString(startAt)!);
        await app.UntilProcessedAsync(9);
        Assert.Equal(Ids(1, first, 9), _processed);
    }

    [Fact]
    public async Task Endpoint_NotConfigured_TheFirstDeliverySetsIt()
    {
        await using var feed = await FeedServer.StartAsync(4);
        await using var app = await StartAsync(feed, options => options.Endpoint = null);
        Assert.Equal(204, await app.DeliverAsync(4));
        await app.UntilProcessedAsync(4);
        Assert.Equal(Ids(1, 1, 4), _processed);
    }

    [Fact]
    public async Task Gap_WithoutAFeed_IsUnrecoverableAfterTheGrace_UntilItArrives()
    {
        await using var app = await TestApp.StartAsync();
        await app.DeliverAsync(1);
        await app.UntilProcessedAsync(1);
        await app.DeliverAsync(3);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).Unrecoverable == new SeqRange(2, 2));
        await app.DeliverAsync(2);
        await app.UntilProcessedAsync(3);
        await Wait.UntilAsync(async () => await app.HealthAsync() == HealthStatus.Healthy);
    }

    private static IEnumerable<string> Ids(int epoch, long from, long to)
    {
        for (var seq = from; seq <= to; seq++) yield return $"evt_{epoch}_{seq}";
    }

    private Task<TestApp> StartAsync(
        FeedServer feed, Action<WebhookReceiverOptions>? configure = null, Action<WebhookEvent>? handle = null, string? folder = null) => TestApp.StartAsync(
        options =>
        {
            (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint);
            configure?.Invoke(options);
        },
        builder => builder.HandleFallback((one, _, _) =>
        {
            _processed.Enqueue(one.Id);
            handle?.Invoke(one);
            return Task.CompletedTask;
        }), folder);
}
