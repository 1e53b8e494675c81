using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 5: a pause holds, never drops; it returns when no new send can begin; resume goes on after the cursor or where it is told to.</summary>
public class PauseTests
{
    /// <summary>What was under way when the pause was asked for may still arrive: one request, on a strict endpoint.</summary>
    [Fact]
    public async Task Pause_Returned_NoSendBegins()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var round = 0; round < 25; round++)
        {
            var before = (int)receiver.Count;
            for (var i = 0; i < 39; i++) _ = platform.PublishAsync(application);
            await receiver.WaitForAsync(before + 1);
            if (round % 2 == 0) await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()) { Description = $"{round}" });
            await platform.Endpoints.PauseAsync(endpoint.Id);
            var atReturn = receiver.Count;
            await Platform.UntilAsync(
                async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL") == 0, "the endpoint is handed back");
            Assert.InRange(receiver.Count, atReturn, atReturn + 1);
            var stopped = receiver.Count;
            await platform.PublishAsync(application);
            await platform.Endpoints.GetStreamAsync(endpoint.Id);
            Assert.Equal(stopped, receiver.Count);
            await platform.Endpoints.ResumeAsync(endpoint.Id);
        }

        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1000);
        Assert.Equal(Enumerable.Range(1, 1000).Select(seq => (long)seq), receiver.Requests.Select(Wire.Seq).Distinct());
    }

    [Fact]
    public async Task Pause_InOneProcess_StopsTheSenderInAnother()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var sender = await Platform.StartAsync();
        await using var desk = await Platform.StartAsync(connectionString: sender.ConnectionString, worker: false);
        var (application, endpoint) = await sender.AddEndpointAsync(receiver.Url);
        // At first as fast as it goes, and then so slowly that not all can have been sent by the time of the pause.
        receiver.Respond(request => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(request.Number < 50 ? 2 : 100) });
        for (var i = 0; i < 500; i++) _ = desk.PublishAsync(application);
        await receiver.WaitForAsync(20);
        await desk.Endpoints.PauseAsync(endpoint.Id);
        var atReturn = receiver.Count;
        await desk.PublishAsync(application);
        await desk.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 501);
        Assert.Equal(atReturn, receiver.Count);
        Assert.True(atReturn < 500, "All were sent before the pause; the test shows nothing.");
        receiver.Respond(null);
        await desk.Endpoints.ResumeAsync(endpoint.Id);
        await desk.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 501);
        Assert.Equal(501, receiver.Count);
    }

    [Fact]
    public async Task Resume_AfterANumber_SkipsOrSendsAgain()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 4; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 7);

        var refused = await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.ResumeAsync(endpoint.Id, after: 8));
        Assert.Contains("after: Must lie between 0, below which nothing is kept, and the head, 7; it is 8.", refused.Message);
        Assert.Equal(EndpointStatus.Paused, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status);

        await platform.Endpoints.ResumeAsync(endpoint.Id, after: 5);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 7);
        Assert.Equal([1, 2, 3, 6, 7], receiver.Requests.Select(Wire.Seq));
        Assert.Equal(["4-5"], await platform.ListAsync<string>("SELECT first_seq || '-' || last_seq FROM webhooks.settlement WHERE outcome = 'skipped'"));

        await platform.Endpoints.ResumeAsync(endpoint.Id, after: 2);
        await receiver.WaitForAsync(10);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 7);
        Assert.Equal([3, 4, 5, 6, 7], receiver.Requests.Skip(5).Select(Wire.Seq));
        Assert.Equal(["3-7"], await platform.ListAsync<string>("SELECT first_seq || '-' || last_seq FROM webhooks.settlement WHERE outcome = 'rewound'"));
    }

    /// <summary>
    /// A claim that waited for the row of a skip under way took the new row and the old cursor beside it: what was skipped would be sent.
    /// </summary>
    [Fact]
    public async Task Resume_WhileTheEndpointIsBeingTaken_IsNotUndone()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 1 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(1));
            options.Delivery.PollInterval = TimeSpan.FromMilliseconds(5);
        });
        var application = await platform.Applications.CreateAsync("many");
        var endpoints = new List<CreatedEndpoint>();
        for (var i = 0; i < 20; i++)
            endpoints.Add(await platform.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()) { FailureThreshold = 100 }));
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(40);
        await Task.WhenAll(endpoints.Select(endpoint => platform.Endpoints.ResumeAsync(endpoint.Id, after: 3)));
        foreach (var endpoint in endpoints) await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        Assert.DoesNotContain(receiver.Requests, request => Wire.Seq(request) is 2 or 3);
    }

    [Fact]
    public async Task Pause_OfWhatFailed_BecomesTheOperators()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Of(410));
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.PauseReason == PauseReason.Gone);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        Assert.Equal(PauseReason.Manual, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).PauseReason);
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.PauseAsync(WebhookEndpointId.New()));
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.PauseAsync(endpoint.Id));
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.ResumeAsync(endpoint.Id));
    }
}
