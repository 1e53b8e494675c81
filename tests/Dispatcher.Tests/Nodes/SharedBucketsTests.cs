using System.Diagnostics;
using Npgsql;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Nodes;

/// <summary>The sequencer's buckets are shared out among the nodes; that one of them does nothing for its own holds nothing up.</summary>
public class SharedBucketsTests
{
    [Fact]
    public async Task Buckets_NodesComeAndGo_AreAlwaysAllLookedAfter()
    {
        await using var first = await Platform.StartAsync();
        await using var second = await Platform.StartAsync(connectionString: first.ConnectionString);
        await using var third = await Platform.StartAsync(connectionString: first.ConnectionString);
        await SharedOutAsync(first, second, third);
        await third.StopAsync();
        await SharedOutAsync(first, second);
        await second.StopAsync();
        await SharedOutAsync(first);
    }

    /// <summary>Nobody wakes anybody: the events of a bucket whose node does not look are found by the others' slower beat.</summary>
    [Fact]
    public async Task Events_InBucketsOfANodeThatDoesNothing_AreNumberedAllTheSame()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Sequencing.PollInterval = TimeSpan.FromMilliseconds(200));
        await platform.ExecuteAsync(
            "INSERT INTO webhooks.node (node, name, expires_at, capacity) VALUES (gen_random_uuid(), 'idle', now() + interval '1 hour', 5000)");
        await Platform.UntilAsync(() => Task.FromResult(platform.Get<LiveNodes>().Buckets.Count == 8), "the other has its share of buckets");
        for (var i = 0; i < 40; i++)
        {
            var (application, _) = await platform.AddEndpointAsync(receiver.Url);
            await using var connection = await platform.Data.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "{}"), transaction);
            await transaction.CommitAsync();
        }

        await receiver.WaitForAsync(40);
        Assert.True(await platform.ScalarAsync<long>("SELECT count(DISTINCT bucket) FROM webhooks.event") > 8, "All were in the node's own buckets.");
    }

    [Fact]
    public async Task Idle_TwoNodesManyEndpoints_AskLittle()
    {
        await using var desk = await Platform.StartAsync(worker: false);
        var application = await desk.Applications.CreateAsync("many");
        for (var i = 0; i < 200; i++) await desk.Endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/"));
        static void AsByDefault(WebhookDispatcherOptions options)
        {
            options.Sequencing.PollInterval = new SequencingOptions().PollInterval;
            options.Delivery.PollInterval = new DeliveryOptions().PollInterval;
            options.Delivery.LeaseDuration = new DeliveryOptions().LeaseDuration;
        }

        await using var first = await Platform.StartAsync(AsByDefault, desk.ConnectionString);
        await using var second = await Platform.StartAsync(AsByDefault, desk.ConnectionString);
        await Platform.UntilAsync(async () => await desk.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE due_at IS NOT NULL") == 0
            && await desk.ScalarAsync<long>("SELECT count(*) FROM webhooks.node") == 2, "both are there");
        // Two polls and what a renewal takes, of each node. The server counts late, so that the first seconds may hold some of their beginning.
        var rate = double.MaxValue;
        for (var stretch = 0; stretch < 4 && rate is < 1 or > 2 * 20; stretch++)
        {
            var before = await CommitsAsync(desk);
            var began = Stopwatch.GetTimestamp();
            // Not a wait for anything: the time in which is counted.
            await Task.Delay(TimeSpan.FromSeconds(6));
            rate = (await CommitsAsync(desk) - before) / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        Assert.InRange(rate, 1, 2 * 20);
    }

    private static async Task<double> CommitsAsync(Platform platform)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(platform.ConnectionString) { Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT xact_commit::float8 FROM pg_stat_database WHERE datname = current_database()", connection);
        return (double)(await command.ExecuteScalarAsync())!;
    }

    private static Task SharedOutAsync(params Platform[] nodes) => Platform.UntilAsync(
        () => Task.FromResult(nodes.SelectMany(node => node.Get<LiveNodes>().Buckets).Order().SequenceEqual(BucketShare.All)), "each bucket has one node");
}
