using System.Net;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Feed;

public class FloorTests
{
    /// <summary>Promise 1: what is no longer kept ends as `expired`, counted; promise 12: the receiver is told which numbers are gone.</summary>
    [Fact]
    public async Task Floor_RaisedBeyondTheCursor_FeedSaysSoAndDeliveryGoesOnThere()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 9; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 10);
        await RaiseFloorAsync(platform, endpoint.Id, 6);

        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var expired = await feed.ReadAsync(1);
        Assert.Equal((HttpStatusCode.Gone, "range_expired"), (expired.Status, expired.Code));
        Assert.Equal((6, 10), (expired.Body.GetProperty("floor").GetInt64(), expired.Body.GetProperty("head").GetInt64()));
        Assert.True(expired.Verifies(endpoint.Secret));
        Assert.Equal<long[]>([6, 7, 8, 9, 10], (await feed.ReadAsync(5)).Seqs);

        Assert.Equal(5, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);
        Assert.Equal(["2-5"], await platform.ListAsync<string>("SELECT first_seq || '-' || last_seq FROM webhooks.settlement WHERE outcome = 'expired'"));
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.ResumeAsync(endpoint.Id, after: 4));
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal([1, 6, 7, 8, 9, 10], receiver.Requests.Select(Wire.Seq));

        // Lower than it is: nothing happens.
        await RaiseFloorAsync(platform, endpoint.Id, 3);
        Assert.Equal(6, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Floor);
    }

    [Fact]
    public async Task Floor_RaisedWhileTheEndpointFails_ItGoesOnAtTheFloor()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) < 4 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { FailureThreshold = 100 });
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(3);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 5);
        await RaiseFloorAsync(platform, endpoint.Id, 4);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        Assert.Equal((EndpointStatus.Active, 0), (stream.Status, stream.ConsecutiveFailures));
        Assert.Equal([1, 4, 5], receiver.Requests.Select(Wire.Seq).Distinct());
    }

    /// <summary>What a relaxed stream remembers beside its cursor goes as far as the floor, and no further.</summary>
    [Fact]
    public async Task Floor_RaisedAboveDeferredEvents_TheyExpireAndWhatIsAheadStays()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        for (var i = 0; i < 9; i++) await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        await platform.ExecuteAsync("""
            INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor, ahead) SELECT bucket, endpoint, 1, 3, 'delivered', 3, '{5,8}' FROM webhooks.stream;
            INSERT INTO webhooks.deferred (bucket, endpoint, seq, attempts, due_at, replay)
            SELECT bucket, endpoint, seq, 1, now(), seq = 1 FROM webhooks.stream, unnest(ARRAY[1, 2, 3, 7]) AS seq
            """);
        await RaiseFloorAsync(platform, endpoint.Id, 3);
        await RaiseFloorAsync(platform, endpoint.Id, 7);
        Assert.Equal(["1-3 delivered 3 {5,8}", "2-2 expired 3 {5,8}", "3-3 expired 6 {8}", "4-4 expired 6 {8}", "5-5 delivered 6 {8}", "6-6 expired 6 {8}"], await platform.ListAsync<string>(
            "SELECT first_seq || '-' || last_seq || ' ' || outcome || ' ' || cursor || ' ' || ahead::text FROM webhooks.settlement ORDER BY settlement"));
        Assert.Equal([7L], await platform.ListAsync<long>("SELECT seq FROM webhooks.deferred"));
        Assert.Equal((7, 6), await platform.Endpoints.GetStreamAsync(endpoint.Id) is var stream ? (stream.Floor, stream.Cursor) : default);
        await RaiseFloorAsync(platform, endpoint.Id, 100);
        Assert.Equal((10, 9, 9), await platform.Endpoints.GetStreamAsync(endpoint.Id) is var end ? (end.Floor, end.Cursor, end.Head) : default);
    }

    private static Task RaiseFloorAsync(Platform platform, WebhookEndpointId endpoint, long floor) =>
        platform.Get<StreamControl>().RaiseFloorAsync(endpoint, floor, default);
}
