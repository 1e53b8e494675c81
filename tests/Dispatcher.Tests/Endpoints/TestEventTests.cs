using System.Text;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Dispatcher.Tests.Retention;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Endpoints;

/// <summary>A test event is an event like any other, with a place in the order, but for who gets it.</summary>
public class TestEventTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9/");

    [Fact]
    public async Task Test_PatternsDoNotMatch_ItsEndpointAloneGetsItInTurnSignedAndInTheFeed()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var other = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { EventTypes = ["order.*"] });
        var everything = await platform.Endpoints.CreateAsync(application, new EndpointSettings(other.Url.ToString()));
        await platform.PublishAsync(application);
        var id = await platform.Endpoints.TestAsync(endpoint.Id);
        await platform.PublishAsync(application);

        var requests = await receiver.WaitForAsync(3);
        await other.WaitForAsync(2);
        Assert.Equal([1, 2, 3], requests.Select(Wire.Seq));
        Assert.True(requests[1].Verify(endpoint.Secret).IsValid);
        var envelope = Wire.Envelope(requests[1]);
        Assert.Equal((id.Value, "webhook.test", "{\"test\":true}"),
            (envelope.GetProperty("id").GetString(), envelope.GetProperty("type").GetString(), envelope.GetProperty("data").GetRawText()));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream is { Head: 3, Cursor: 3 });
        var others = await platform.WaitForStreamAsync(everything.Id, stream => stream.Cursor == 2);
        Assert.Equal((2, 2), (others.Head, other.Count));
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        Assert.Contains(id.Value, (await feed.ReadAsync(1, 1)).Body.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_EndpointIsPaused_IsHeldAndSentByTheResume()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (_, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.Endpoints.TestAsync(endpoint.Id, TestEvent.FromJson("invoice.paid", """{"amount": 1.0}"""));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream is { Head: 1, Cursor: 0 });
        Assert.Equal(0, receiver.Count);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        Assert.Contains("""{"amount": 1.0}""", (await receiver.WaitForAsync(1))[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_WhatBreaksARuleOrHasNoEndpoint_IsRefusedAndStoresNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var refused = await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.TestAsync(endpoint.Id, TestEvent.FromJson("a..b", "{")));
        Assert.Equal(["data", "type"], refused.Errors.Keys.Order());
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.TestAsync(WebhookEndpointId.New()));
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.TestAsync(endpoint.Id));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT (SELECT count(*) FROM webhooks.event) + (SELECT count(*) FROM webhooks.event_target)"));
    }

    [Fact]
    public async Task Test_EndpointDeletedBeforeItIsNumbered_IsUnmatchedThoughOthersWouldTakeIt()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var other = await platform.Endpoints.CreateAsync(application, new EndpointSettings(Nowhere.ToString()));
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        // Its place is drawn before that of the deletion's marker in one transaction, and behind it in the other.
        await using var connection = await platform.Get<WebhookDatabase>().OpenAsync(default);
        await using var transaction = await connection.BeginTransactionAsync();
        var endpoints = platform.Get<WebhookEndpoints>();
        await using (var late = await platform.Get<WebhookDatabase>().OpenAsync(default))
        await using (var deleting = await late.BeginTransactionAsync())
        {
            await endpoints.DeleteAsync(late, endpoint.Id, default);
            await endpoints.TestAsync(connection, endpoint.Id, new TestEvent(), null, default);
            await transaction.CommitAsync();
            await deleting.CommitAsync();
        }

        var batch = await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        Assert.Equal((1, 0), (batch.Events, batch.Deliveries));
        Assert.Equal(["unmatched"], await platform.ListAsync<string>("SELECT verdict FROM webhooks.event_verdict"));
        Assert.Equal(0, (await platform.Endpoints.GetStreamAsync(other.Id)).Head);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task Test_CommittedLateOrAmongMany_EachBatchKnowsWhoseItIs(int batchSize)
    {
        await using var platform = await Platform.StartAsync(options => options.Sequencing.BatchSize = batchSize, worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere, new EndpointSettings("") { EventTypes = ["none"] });
        var other = await platform.Endpoints.CreateAsync(application, new EndpointSettings(Nowhere.ToString()));
        await SequenceAsync(platform, application);
        await using var connection = await platform.Get<WebhookDatabase>().OpenAsync(default);
        await using var transaction = await connection.BeginTransactionAsync();
        var late = (await platform.Get<WebhookEndpoints>().TestAsync(connection, endpoint.Id, new TestEvent(), null, default)).Result;
        for (var i = 0; i < 4; i++)
        {
            await platform.PublishAsync(application);
            await platform.Endpoints.TestAsync(i % 2 == 0 ? endpoint.Id : other.Id);
        }

        await SequenceAsync(platform, application);
        await transaction.CommitAsync();
        await SequenceAsync(platform, application);
        Assert.Equal((3L, 6L), ((await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head, (await platform.Endpoints.GetStreamAsync(other.Id)).Head));
        Assert.Equal(late.Value[4..], await platform.ScalarAsync<string>(
            """
            SELECT replace(e.id::text, '-', '') FROM webhooks.delivery d JOIN webhooks.event e USING (bucket, position)
            JOIN webhooks.event_target t ON t.bucket = d.bucket AND t.position = d.position AND t.endpoint = d.endpoint WHERE d.seq = 3 AND d.displaced
            """));
    }

    [Fact]
    public async Task Test_EndpointMadeLaterWithAHistory_DoesNotGetTheTestsOfOthers()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        await platform.PublishAsync(application);
        await platform.Endpoints.TestAsync(endpoint.Id);
        var since = await platform.Endpoints.CreateAsync(application, new EndpointSettings(Nowhere.ToString()) { Since = DateTimeOffset.UtcNow.AddDays(-1) });
        await SequenceAsync(platform, application);
        Assert.Equal((2L, 1L), ((await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head, (await platform.Endpoints.GetStreamAsync(since.Id)).Head));
    }

    [Fact]
    public async Task Test_TransactionRolledBack_LeavesNoHole()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        await using (var connection = await platform.Get<WebhookDatabase>().OpenAsync(default))
        await using (var transaction = await connection.BeginTransactionAsync())
            await platform.Get<WebhookEndpoints>().TestAsync(connection, endpoint.Id, new TestEvent { Data = Encoding.UTF8.GetBytes("null") }, null, default);
        await platform.Endpoints.TestAsync(endpoint.Id);
        await SequenceAsync(platform, application);
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
    }

    [Fact]
    public async Task Retention_PeriodDropped_ForgetsWhoseItsTestsWere()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        await platform.Endpoints.TestAsync(endpoint.Id);
        await SequenceAsync(platform, application);
        await years.NextPeriodAsync();
        await platform.Endpoints.TestAsync(endpoint.Id);
        await SequenceAsync(platform, application);
        await years.PassAsync(Years.Keep);
        await years.DropAsync(1);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_target"));
    }

    private static async Task SequenceAsync(Platform platform, WebhookApplicationId application)
    {
        while ((await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default)).More) { }
    }
}
