using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Publishing;

public class DedupeTests
{
    [Fact]
    public async Task Publish_SameKeyTwice_TheSecondIsADuplicate()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var first = await Publish(platform, application, "k");
        await Publish(platform, application, "k");
        await Publish(platform, application, "other");
        var elsewhere = await platform.Applications.CreateAsync("another customer");
        await Publish(platform, elsewhere, "k");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 2);
        Assert.Equal(2, receiver.Count);
        Assert.Equal(first.Value, receiver.Requests[0].WebhookId);
        Assert.Equal(first.Value[4..], await platform.ScalarAsync<string>(
            "SELECT replace(e.id::text, '-', '') FROM webhooks.event_verdict v JOIN webhooks.event e ON (e.bucket, e.position) = (v.bucket, v.duplicate_of) WHERE verdict = 'duplicate'"));
    }

    [Fact]
    public async Task Publish_SameKeyAfterTheWindow_IsNoDuplicate()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Sequencing.DedupeWindow = TimeSpan.FromHours(1));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await Publish(platform, application, "k");
        await receiver.WaitForAsync(1);
        await platform.ExecuteAsync("UPDATE webhooks.dedupe SET published_at = published_at - interval '61 minutes'");
        await Publish(platform, application, "k");
        await Publish(platform, application, "k");
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_verdict WHERE verdict = 'duplicate'"));
    }

    /// <summary>The keys are judged by the sequencer, so that publishers never wait for each other.</summary>
    [Fact]
    public async Task Publish_CrossedKeysInTwoTransactions_BothCommitAtOnce()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await using var one = await platform.Data.OpenConnectionAsync();
        await using var two = await platform.Data.OpenConnectionAsync();
        await using var first = await one.BeginTransactionAsync();
        await using var second = await two.BeginTransactionAsync();
        await platform.Publisher.PublishAsync(Event(application, "a"), first).WaitAsync(TimeSpan.FromSeconds(60));
        await platform.Publisher.PublishAsync(Event(application, "b"), second).WaitAsync(TimeSpan.FromSeconds(60));
        await platform.Publisher.PublishAsync(Event(application, "b"), first).WaitAsync(TimeSpan.FromSeconds(60));
        await platform.Publisher.PublishAsync(Event(application, "a"), second).WaitAsync(TimeSpan.FromSeconds(60));
        await second.CommitAsync();
        await first.CommitAsync();
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 2);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_verdict WHERE verdict = 'duplicate'") == 2, "two are duplicates");
        Assert.Equal(2, receiver.Count);
    }

    private static EventToPublish Event(WebhookApplicationId application, string key) => EventToPublish.FromJson(application, "a", "1") with { DedupeKey = key };

    private static Task<WebhookEventId> Publish(Platform platform, WebhookApplicationId application, string key) => platform.Publisher.PublishAsync(Event(application, key));
}
