using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Design 5.5: what is replayed goes out again beside the stream with the same id and seq; what is skipped is settled and stays in the feed.</summary>
public class ReplayTests
{
    [Theory]
    [InlineData(EndpointOrdering.Strict)]
    [InlineData(EndpointOrdering.Relaxed)]
    public async Task Replay_Range_IsSentAgainAndTheCursorStays(EndpointOrdering ordering)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { Ordering = ordering });
        for (var i = 0; i < 50; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 50);
        Assert.Equal(31, await platform.Endpoints.ReplayAsync(endpoint.Id, 5, 35));
        for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(91);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 60);
        var bySeq = receiver.Requests.GroupBy(Wire.Seq).ToDictionary(group => group.Key, group => group.ToList());
        Assert.All(Enumerable.Range(1, 60), seq => Assert.Equal(seq is >= 5 and <= 35 ? 2 : 1, bySeq[seq].Count));
        Assert.All(bySeq.Values, same => Assert.Single(same.Select(request => request.WebhookId).Distinct()));
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement WHERE outcome = 'replayed'") == 31, "it is settled");
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred"));
        Assert.Equal(60, await platform.ScalarAsync<long>("SELECT sum(last_seq - first_seq + 1)::bigint FROM webhooks.settlement WHERE outcome = 'delivered'"));
    }

    [Fact]
    public async Task Replay_OneIsRefusedByAStrictEndpoint_TheStreamGoesOn()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        receiver.Respond(request => Wire.Seq(request) == 2 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await platform.Endpoints.ReplayAsync(endpoint.Id, 1, 3);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement WHERE outcome = 'exhausted'") == 1, "it is given up");
        await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 6);
        Assert.Equal((EndpointStatus.Active, 0), (stream.Status, stream.ConsecutiveFailures));
    }

    [Fact]
    public async Task Replay_WhilePaused_WaitsForTheResume()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.Endpoints.ReplayAsync(endpoint.Id, 1, 3);
        await platform.Endpoints.ReplayAsync(endpoint.Id, 2, 3);
        Assert.Equal(3, receiver.Count);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await receiver.WaitForAsync(6);
        Assert.Equal([1, 2, 3], receiver.Requests.Skip(3).Select(Wire.Seq).Order());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 2)]
    [InlineData(1, 4)]
    [InlineData(1, 20_000)]
    public async Task Replay_RangeThatIsNotThere_IsRefused(long first, long last)
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        Assert.Contains("range", (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.ReplayAsync(endpoint.Id, first, last))).Errors.Keys);
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.ReplayAsync(WebhookEndpointId.New(), 1, 1));
    }

    [Fact]
    public async Task Skip_PoisonedEvent_TheStreamGoesOnAndItStaysInTheFeed()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 2 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 4; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Contains("seq", (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.SkipAsync(endpoint.Id, 3))).Errors.Keys);
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.SkipAsync(endpoint.Id, 1));
        await platform.Endpoints.SkipAsync(endpoint.Id, 2);
        Assert.Equal(EndpointStatus.Paused, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 4);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var page = await feed.ReadAsync(0);
        Assert.Equal([1, 2, 3, 4], page.Seqs);
    }

    /// <summary>429 asks for quiet, whatever the event: the one behind a skipped one waits as long.</summary>
    [Fact]
    public async Task Skip_WhileTheReceiverAskedToWait_SendsTheNextNoSooner()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 1 ? ScriptedAnswer.Of(429).WithHeader("Retry-After", "600") : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 2; i++) await platform.PublishAsync(application);
        const string Waits = "SELECT count(*) FROM webhooks.delivery_state WHERE due_at > now() + interval '5 minutes' AND lease_owner IS NULL";
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>(Waits) == 1, "the endpoint waits");
        await platform.Endpoints.SkipAsync(endpoint.Id, 1);
        Assert.Equal(1, await platform.ScalarAsync<long>(Waits));
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);
        Assert.Single(receiver.Requests);
        await platform.Endpoints.ResumeAsync(endpoint.Id, 1);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 2);
    }

    [Fact]
    public async Task Skip_DeferredEvent_IsNotSentAgain()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 1 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromMinutes(10));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { Ordering = EndpointOrdering.Relaxed });
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        await platform.Endpoints.SkipAsync(endpoint.Id, 1);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred"));
        Assert.Equal((10, 10), (await platform.ScalarAsync<long>("SELECT cursor FROM webhooks.settlement ORDER BY settlement DESC LIMIT 1"), (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor));
    }
}
