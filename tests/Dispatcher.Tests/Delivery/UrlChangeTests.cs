using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

public class UrlChangeTests
{
    [Fact]
    public async Task Url_Changed_HoldsFromTheNextAttemptAndForgetsFailures()
    {
        await using var old = await ScriptedReceiver.StartAsync();
        old.Respond(_ => ScriptedAnswer.Of(500));
        await using var moved = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Delivery.Waits[0] = TimeSpan.FromMinutes(5));
        var (application, endpoint) = await platform.AddEndpointAsync(old.Url);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.ConsecutiveFailures == 1);
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(moved.Url.ToString()));
        await moved.WaitForAsync(1);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        Assert.Equal(0, stream.ConsecutiveFailures);
        Assert.Equal(1, old.Count);
    }

    /// <summary>The last attempt at the old URL was still under way; when it failed, it paused the endpoint that had just been given a new one.</summary>
    [Fact]
    public async Task Url_ChangedWhileAnAttemptIsUnderWay_ItsFailureDoesNotCount()
    {
        await using var old = await ScriptedReceiver.StartAsync();
        var updated = new TaskCompletionSource();
        old.Respond(_ => ScriptedAnswer.Of(410) with { After = updated.Task });
        await using var moved = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(old.Url);
        await platform.PublishAsync(application);
        await old.WaitForAsync(1);
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(moved.Url.ToString()));
        updated.SetResult();
        await moved.WaitForAsync(1);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        Assert.Equal((EndpointStatus.Active, 0), (stream.Status, stream.ConsecutiveFailures));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.operational_event WHERE type = 'endpoint.paused'"));
    }

    [Fact]
    public async Task Delete_EndsDelivery()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var deleted = new TaskCompletionSource();
        receiver.Respond(request => request.Number < 5 ? ScriptedAnswer.NoContent : ScriptedAnswer.NoContent with { After = deleted.Task });
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 100; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(5);
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        deleted.SetResult();
        await Platform.UntilAsync(
            async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL") == 0, "the endpoint is handed back");
        var count = receiver.Count;
        Assert.InRange(count, 5, 6);
        await platform.PublishAsync(application);
        await Platform.UntilAsync(
            async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_verdict WHERE verdict = 'unmatched'") == 1, "the event after it matches nothing");
        Assert.Equal(count, receiver.Count);
        Assert.Equal(EndpointStatus.Deleted, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status);
    }
}
