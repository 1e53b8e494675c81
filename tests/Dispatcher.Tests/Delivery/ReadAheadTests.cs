using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Tests.Delivery;

public class ReadAheadTests
{
    /// <summary>A pump that lost its endpoint and the one that follows may read in the same batch: each gets what it asked for.</summary>
    [Fact]
    public async Task Read_SameEndpointTwiceInOneBatch_EachGetsItsOwn()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, _) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        var lease = Assert.Single(await platform.ClaimAsync(1));
        var reads = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => platform.Get<ReadAhead>().ReadAsync(lease, i % 6, 0, 2, default)));
        Assert.All(reads.Index(), it => Assert.Equal(
            Enumerable.Range((it.Index % 6) + 1, 2).Where(seq => seq <= 5).Select(seq => (long)seq), it.Item.Items.Select(item => item.Seq)));
    }
}
