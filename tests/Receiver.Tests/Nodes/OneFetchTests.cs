using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver.Tests;

/// <summary>Two whole receivers on one PostgreSQL inbox, with their own loops, and a feed behind them.</summary>
public sealed class OneFetchTests
{
    private readonly ConcurrentQueue<(int Node, long Seq)> _handled = new();

    [Fact]
    public async Task Gap_SeenByTwoNodes_IsFetchedOnce_AndAfterAHandoverByTheOther()
    {
        var schema = TestDatabase.NewSchema();
        await using var feed = await FeedServer.StartAsync(1);
        var first = await StartAsync(0, schema, feed);
        await using var second = await StartAsync(1, schema, feed);
        await using (first)
        {
            await first.UntilProcessedAsync(1);
            feed.Add(2, 5);
            // The ends of the gap come to different nodes, and each sees that it is one.
            Assert.Equal((204, 204), (await first.DeliverAsync(5), await second.DeliverAsync(3)));
            await Task.WhenAll(first.UntilProcessedAsync(5), second.UntilProcessedAsync(5));
            await TurnsAsync(first, second);
            Assert.Single(feed.Reads, after => after == 1);
            Assert.Equal([1L, 2L, 3L, 4L, 5L], _handled.Select(one => one.Seq));
        }

        feed.Add(6, 8);
        Assert.Equal(204, await second.DeliverAsync(8));
        await second.UntilProcessedAsync(8);
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L], _handled.Select(one => one.Seq));
        Assert.All(_handled.Skip(5), one => Assert.Equal(1, one.Node));
    }

    /// <summary>Wakes what looks for gaps on both more often than one of them would need to fetch it again.</summary>
    private static async Task TurnsAsync(params TestApp[] nodes)
    {
        foreach (var source in nodes.Select(node => node.Services.GetSource()))
            for (var turn = 0; turn < 20; turn++)
            {
                source.Missing.Set();
                source.Stored.Set();
                await Task.Delay(5);
            }
    }

    private async Task<TestApp> StartAsync(int node, string schema, FeedServer feed)
    {
        var database = await TestDatabase.ConnectionStringAsync();
        return await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint, options.GapGrace) = (feed.Address, Sent.Endpoint, TimeSpan.FromMilliseconds(200)),
            builder => builder.UsePostgreSqlInbox(options => (options.ConnectionString, options.Schema) = (database, schema))
                .HandleFallback((one, _, _) =>
                {
                    _handled.Enqueue((node, one.Seq!.Value));
                    return Task.CompletedTask;
                }));
    }
}
