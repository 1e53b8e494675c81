using System.Text.Json;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Retention;

/// <summary>Design 4.2: an event whose data was expunged keeps its seq.</summary>
public class ExpungeTests
{
    [Fact]
    public async Task Expunge_BeforeAndAfterDelivery_EveryReaderGetsItVoidAtItsNumber()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var delivered = await platform.PublishAsync(application, "\"secret 1\"");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        var held = await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "\"secret 2\"") with { DedupeKey = "secret 2" });
        await platform.PublishAsync(application, "\"kept\"");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 3);
        await Events(platform).ExpungeAsync(application, delivered, "erasure 77");
        await Events(platform).ExpungeAsync(application, held, "erasure 77");
        await Events(platform).ExpungeAsync(application, held, "again");

        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var page = await feed.ReadAsync(0);
        Assert.True(page.Verifies(endpoint.Secret));
        Assert.Equal<long[]>([1, 2, 3], page.Seqs);
        var data = page.Body.GetProperty("data");
        AssertVoid(data[0], delivered);
        AssertVoid(data[1], held);
        Assert.Equal("kept", data[2].GetProperty("data").GetString());

        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        Assert.Equal([1, 2, 3], receiver.Requests.Select(Wire.Seq));
        Assert.True(receiver.Requests[1].Verify(endpoint.Secret).IsValid);
        Assert.Equal(data[1].GetRawText(), receiver.Requests[1].Text);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event WHERE data::text LIKE '%736563726574%' OR dedupe_key IS NOT NULL"));
        Assert.Equal(["erasure 77", "erasure 77"], await platform.ListAsync<string>("SELECT reason FROM webhooks.expunged_event"));
    }

    [Fact]
    public async Task Expunge_NotNumberedYet_IsNumberedVoid()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var id = await platform.PublishAsync(application, "\"secret\"");
        await Events(platform).ExpungeAsync(application, id, "erasure");
        await platform.Get<Webhooks.Dispatcher.Sequencing.Sequencer>().RunOnceAsync(Webhooks.Dispatcher.Applications.WebhookApplications.Bucket(application), default);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        AssertVoid((await feed.ReadAsync(0)).Body.GetProperty("data")[0], id);
    }

    [Fact]
    public async Task Expunge_UnknownOrAnotherCustomersOrWithoutReason_IsRefused()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var mine = await platform.Applications.CreateAsync("mine");
        var other = await platform.Applications.CreateAsync("other");
        var id = await platform.PublishAsync(mine, "\"kept\"");
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => Events(platform).ExpungeAsync(other, id, "x"));
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => Events(platform).ExpungeAsync(mine, WebhookEventId.New(), "x"));
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => Events(platform).ExpungeAsync(WebhookApplicationId.New(), id, "x"));
        foreach (var reason in new[] { "", " ", new string('x', 501), "\0", "\ud800" })
            await Assert.ThrowsAsync<WebhookValidationException>(() => Events(platform).ExpungeAsync(mine, id, reason));
        Assert.Equal(6, await platform.ScalarAsync<int>("SELECT octet_length(data) FROM webhooks.event"));
    }

    private static IWebhookEvents Events(Platform platform) => platform.Get<IWebhookEvents>();

    private static void AssertVoid(JsonElement envelope, WebhookEventId id)
    {
        Assert.Equal(["id", "type", "timestamp", "endpoint", "epoch", "seq", "void", "reason"], envelope.EnumerateObject().Select(member => member.Name));
        Assert.Equal((id.Value, "order.paid", true, "expunged"), (envelope.GetProperty("id").GetString(), envelope.GetProperty("type").GetString(),
            envelope.GetProperty("void").GetBoolean(), envelope.GetProperty("reason").GetString()));
    }
}
