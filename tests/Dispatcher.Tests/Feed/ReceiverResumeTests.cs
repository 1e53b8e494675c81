using System.Net;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Feed;

/// <summary>A receiver that caught up by itself asks for delivery again (design 4.2).</summary>
public class ReceiverResumeTests
{
    [Fact]
    public async Task Resume_AfterWhatTheFeedServed_SettlesItAndDeliversTheRest()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await FailAsync(platform, receiver, 10);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        Assert.Equal<long[]>([1, 2, 3, 4, 5, 6], (await feed.ReadAsync(0, 6)).Seqs);
        // A page beyond a hole does not count as served up to there.
        Assert.Equal<long[]>([9, 10], (await feed.ReadAsync(8)).Seqs);

        receiver.Respond(null);
        var resumed = await feed.ResumeAsync(10);
        Assert.Equal((HttpStatusCode.OK, 6L), (resumed.Status, resumed.Body.GetProperty("cursor").GetInt64()));
        Assert.True(resumed.Verifies(endpoint.Secret));
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal(EndpointStatus.Active, stream.Status);
        Assert.Equal([7, 8, 9, 10], receiver.Requests.Skip(3).Select(Wire.Seq));
        Assert.Equal(["1-6"], await platform.ListAsync<string>("SELECT first_seq || '-' || last_seq FROM webhooks.settlement WHERE outcome = 'taken_from_feed'"));
        Assert.Equal("receiver", await platform.ScalarAsync<string>("SELECT actor FROM webhooks.operational_event WHERE type = 'endpoint.resumed'"));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 11);
    }

    [Fact]
    public async Task Resume_BelowTheCursor_SendsAgain()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        receiver.Enqueue(ScriptedAnswer.Of(410));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.PauseReason == PauseReason.Gone);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        Assert.Equal(HttpStatusCode.OK, (await feed.ResumeAsync(1)).Status);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 4);
        Assert.Equal([1, 2, 3, 4, 2, 3, 4], receiver.Requests.Select(Wire.Seq));
    }

    [Fact]
    public async Task Resume_Refused_SaysWhyAndChangesNothing()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (_, endpoint) = await FailAsync(platform, receiver, 2);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var above = await feed.ResumeAsync(3);
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "validation_failed", 2L), (above.Status, above.Code, above.Body.GetProperty("head").GetInt64()));
        foreach (var body in new[] { "", "{", "[]", "{}", "{\"after\":-1}", "{\"after\":1.5}", "{\"after\":\"1\"}", "{\"after\":1" + new string(' ', 2000) + "}" })
            Assert.Equal((HttpStatusCode.BadRequest, "malformed_request"), Of(await feed.ResumeAsync(1, body: body)));
        Assert.Equal(HttpStatusCode.Unauthorized, (await feed.ResumeAsync(0, epoch: 2)).Status);

        await platform.Endpoints.PauseAsync(endpoint.Id);
        Assert.Equal((HttpStatusCode.Conflict, "paused_by_operator"), Of(await feed.ResumeAsync(0)));
        Assert.Equal(EndpointStatus.Paused, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status);
        receiver.Respond(null);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 2);
        Assert.Equal((HttpStatusCode.Conflict, "not_paused"), Of(await feed.ResumeAsync(0)));
    }

    /// <summary>Each id is accepted once; the first delivery is a lone probe, whose failure pauses at once; then the receiver has to wait.</summary>
    [Fact]
    public async Task Resume_ProbeFails_PausesAtOnceAndMakesTheReceiverWait()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (_, endpoint) = await FailAsync(platform, receiver, 2);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        Assert.Equal(HttpStatusCode.OK, (await feed.ResumeAsync(0, id: "once")).Status);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Equal(4, receiver.Count);
        Assert.Equal((HttpStatusCode.Conflict, "duplicate"), Of(await feed.ResumeAsync(0, id: "once")));
        var soon = await feed.ResumeAsync(0);
        Assert.Equal((HttpStatusCode.TooManyRequests, "too_soon"), Of(soon));
        Assert.InRange(soon.Response.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));

        // A minute later.
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET receiver_resume_from = now()");
        Assert.Equal(HttpStatusCode.OK, (await feed.ResumeAsync(0)).Status);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        soon = await feed.ResumeAsync(0);
        Assert.InRange(soon.Response.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(61), TimeSpan.FromSeconds(120));

        // A delivery ends the backoff.
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET receiver_resume_from = now()");
        receiver.Respond(null);
        Assert.Equal(HttpStatusCode.OK, (await feed.ResumeAsync(0)).Status);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 2);
        Assert.Equal(0, await platform.ScalarAsync<int>("SELECT receiver_resumes FROM webhooks.delivery_state WHERE receiver_resume_from IS NULL AND NOT probing"));
    }

    [Fact]
    public async Task Resume_SameIdManyTimesAtOnce_IsTakenOnce()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (_, endpoint) = await FailAsync(platform, receiver, 1);
        receiver.Respond(null);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => feed.ResumeAsync(0, id: "the-same")));
        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.Equal(7, answers.Count(answer => answer.Status == HttpStatusCode.Conflict && answer.Code == "duplicate"));
    }

    private static (HttpStatusCode Status, string Code) Of(FeedResult answer) => (answer.Status, answer.Code);

    private static async Task<(WebhookApplicationId Application, CreatedEndpoint Endpoint)> FailAsync(Platform platform, ScriptedReceiver receiver, int events)
    {
        receiver.Respond(_ => ScriptedAnswer.Of(500));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < events; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.PauseReason == PauseReason.Failing && stream.Head == events);
        return (application, endpoint);
    }
}
