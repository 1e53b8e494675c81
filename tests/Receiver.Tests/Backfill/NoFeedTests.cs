using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver.Tests;

/// <summary>A receiver without a feed: nothing can be fetched, and still nothing is passed over unsaid.</summary>
public sealed class NoFeedTests
{
    private readonly List<long> _handled = [];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FirstDeliveries_OutOfOrder_WaitForNumberOne(bool memory)
    {
        await using var app = await StartAsync(memory, StartAt.Floor);
        Assert.Equal((204, 204), (await app.DeliverAsync(3), await app.DeliverAsync(2)));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)) is { FeedError: not null, Streams: [{ Unrecoverable: { From: 1, To: 1 } }] });
        Assert.Empty(_handled);
        Assert.Equal(204, await app.DeliverAsync(1));
        await app.UntilProcessedAsync(3);
        Assert.Equal([1L, 2L, 3L], _handled);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)) is { FeedError: null, Streams: [{ Unrecoverable: null }] });
    }

    [Fact]
    public async Task StartAtHead_BeginsWithWhatComesFirst()
    {
        await using var app = await StartAsync(true, StartAt.Head);
        Assert.Equal(204, await app.DeliverAsync(7));
        await app.UntilProcessedAsync(7);
        Assert.Equal([7L], _handled);
    }

    private Task<TestApp> StartAsync(bool memory, StartAt start) => TestApp.StartAsync(
        options => (options.StartAt, options.GapGrace) = (start, TimeSpan.FromMilliseconds(50)), memory: memory, handlers: builder => builder.HandleFallback((one, _, _) =>
        {
            _handled.Add(one.Seq!.Value);
            return Task.CompletedTask;
        }));
}
