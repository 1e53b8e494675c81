using System.Net;
using Webhooks.Dispatcher.Delivery;
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

    private static Task RaiseFloorAsync(Platform platform, WebhookEndpointId endpoint, long floor) =>
        platform.Get<StreamControl>().RaiseFloorAsync(endpoint, floor, default);
}
