using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 6: 410 pauses at once, three consecutive failed deliveries pause; both visible with reason and evidence. Promise 3: in order all the while.</summary>
public class FailureTests
{
    [Fact]
    public async Task Deliver_410_PausesAtOnceWithEvidence()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        // An error page longer than what is read of an answer does not hide the status.
        receiver.Enqueue(ScriptedAnswer.NoContent, ScriptedAnswer.Of(410, new string('x', 200_000)));
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);

        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Equal(PauseReason.Gone, stream.PauseReason);
        Assert.Contains("seq 2, attempt 1: gone (HTTP 410)", stream.PauseEvidence);
        Assert.NotNull(stream.PausedAt);
        Assert.Equal(1, stream.Cursor);
        Assert.Equal(2, receiver.Count);
        Assert.Equal("gone", await platform.ScalarAsync<string>("SELECT data->>'reason' FROM webhooks.operational_event WHERE type = 'endpoint.paused' AND actor = 'dispatcher'"));

        await platform.Endpoints.ResumeAsync(endpoint.Id);
        stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        Assert.Equal((EndpointStatus.Active, null), (stream.Status, stream.PauseReason));
    }

    [Fact]
    public async Task Deliver_ThreeFailuresInARow_PausesAndHolds()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        receiver.Respond(_ => ScriptedAnswer.Of(500, "no"));
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);

        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Equal((PauseReason.Failing, 3, 0L, 3L), (stream.PauseReason, stream.ConsecutiveFailures, stream.Cursor, stream.Head));
        Assert.Contains("seq 1, attempt 3: http_error (HTTP 500): no", stream.PauseEvidence);
        Assert.Equal(3, receiver.Count);
        Assert.Single(receiver.Requests.Select(request => request.WebhookId).Distinct());
        Assert.Equal([1, 2, 3], await platform.ListAsync<int>("SELECT number FROM webhooks.attempt ORDER BY attempt"));

        // Publishing goes on while it is paused; nothing is dropped (promise 5).
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 4);
        receiver.Respond(null);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 4);
        Assert.Equal(0, stream.ConsecutiveFailures);
        Assert.Equal([1, 2, 3, 4], receiver.Requests.Skip(3).Select(Wire.Seq));
    }

    [Fact]
    public async Task Deliver_SuccessInBetween_StartsTheCountAnew()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var bad = ScriptedAnswer.Of(503);
        receiver.Enqueue(bad, bad, ScriptedAnswer.NoContent, bad, bad, ScriptedAnswer.NoContent, ScriptedAnswer.NoContent, bad, bad);
        for (var i = 0; i < 4; i++) await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 4);
        Assert.Equal((EndpointStatus.Active, 0), (stream.Status, stream.ConsecutiveFailures));
        Assert.Equal([1, 1, 1, 2, 2, 2, 3, 4, 4, 4], receiver.Requests.Select(Wire.Seq));
        Assert.All(receiver.Verify(endpoint.Secret), result => Assert.True(result.IsValid));
    }

    [Fact]
    public async Task Deliver_429_WaitsAsAskedAndDoesNotCount()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { FailureThreshold = 1 });
        receiver.Enqueue(ScriptedAnswer.Of(429).WithHeader("Retry-After", "1"), ScriptedAnswer.Of(429), ScriptedAnswer.Of(429));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        var requests = receiver.Requests;
        Assert.Equal(4, requests.Count);
        Assert.True(requests[1].ArrivedAt - requests[0].ArrivedAt >= TimeSpan.FromMilliseconds(950), "It did not wait as it was asked to.");
        Assert.Equal(["throttled", "throttled", "throttled"], await platform.ListAsync<string>("SELECT outcome FROM webhooks.attempt"));
    }

    [Fact]
    public async Task Deliver_OneDeadEndpoint_DelaysNoOther()
    {
        await using var dead = await ScriptedReceiver.StartAsync();
        dead.Respond(_ => ScriptedAnswer.Never);
        await using var alive = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Sending.Timeout = TimeSpan.FromMinutes(2));
        var (application, _) = await platform.AddEndpointAsync(dead.Url);
        var other = await platform.Endpoints.CreateAsync(application, new EndpointSettings(alive.Url.ToString()));
        for (var i = 0; i < 50; i++) await platform.PublishAsync(application);
        await alive.WaitForAsync(50, TimeSpan.FromSeconds(60));
        await platform.WaitForStreamAsync(other.Id, stream => stream.Cursor == 50);
        Assert.Equal(1, dead.Count);
        await platform.StopAsync(TimeSpan.FromMilliseconds(100));
    }
}
