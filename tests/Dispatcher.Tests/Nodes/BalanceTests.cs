using System.Diagnostics;
using System.Text.Json;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Nodes;

/// <summary>Thousands of endpoints spread evenly, while events flow; nothing waits for balance, nothing is lost or reordered by it.</summary>
public class BalanceTests
{
    private const string Spread =
        "SELECT count(s.endpoint)::int FROM webhooks.node n LEFT JOIN webhooks.delivery_state s ON s.lease_owner = n.node GROUP BY n.node ORDER BY 1";

    [Fact]
    public async Task Nodes_TwoJoinOneThatHas300Endpoints_EachHasItsShareAndOrderHolds()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var first = await StartAsync(null);
        var application = await first.Applications.CreateAsync("many");
        for (var i = 0; i < 300; i++) await first.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()));
        await first.PublishAsync(application);
        await Platform.UntilAsync(async () => await SpreadAsync(first) is [300], "the first has all", seconds: 60);

        await using var second = await StartAsync(first.ConnectionString);
        await using var third = await StartAsync(first.ConnectionString);
        using var enough = new CancellationTokenSource();
        var published = 1;
        var publishing = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                await first.PublishAsync(application);
                published++;
                await Task.Delay(300);
            }
        });
        await Platform.UntilAsync(
            async () => await SpreadAsync(first) is [>= 80 and <= 120, >= 80 and <= 120, >= 80 and <= 120], "each has its share", seconds: 120);
        await enough.CancelAsync();
        await publishing;
        await Platform.UntilAsync(
            async () => await first.ScalarAsync<long>(
                $"SELECT count(*) FROM (SELECT max(cursor) AS cursor FROM webhooks.settlement GROUP BY endpoint) s WHERE cursor = {published}") == 300,
            "all is settled", seconds: 60);
        AssertInOrder(receiver, endpoints: 300, published);
    }

    [Fact]
    public async Task Node_StartsTogetherWithOthersUnderABurst_NothingWaitsForBalance()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var first = await StartAsync(null);
        await using var second = await StartAsync(first.ConnectionString);
        var application = await first.Applications.CreateAsync("many");
        for (var i = 0; i < 200; i++) await first.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()));
        // Known to be alive, and takes nothing: what is left to it must be taken all the same.
        await first.ExecuteAsync(
            "INSERT INTO webhooks.node (node, name, expires_at, capacity) VALUES (gen_random_uuid(), 'idle', now() + interval '1 hour', 5000)");
        for (var i = 0; i < 3; i++) await first.PublishAsync(application);
        await receiver.WaitForAsync(600, TimeSpan.FromSeconds(90));
        await Platform.UntilAsync(async () => await first.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement WHERE cursor = 3") == 200, "all is settled");
        AssertInOrder(receiver, endpoints: 200, 3);
    }

    /// <summary>With a lease of ten minutes and polls of a minute: only what is handed back and announced can be taken over before.</summary>
    [Fact]
    public async Task Stop_Gracefully_OthersGoOnAtOnce()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        void Slow(WebhookDispatcherOptions options)
        {
            options.Delivery.LeaseDuration = TimeSpan.FromMinutes(10);
            options.Delivery.PollInterval = TimeSpan.FromMinutes(1);
            options.Delivery.Linger = TimeSpan.FromMinutes(10);
        }

        await using var leaves = await Platform.StartAsync(Slow);
        var application = await leaves.Applications.CreateAsync("many");
        var endpoints = new List<CreatedEndpoint>();
        for (var i = 0; i < 50; i++) endpoints.Add(await leaves.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString())));
        await leaves.PublishAsync(application);
        await Platform.UntilAsync(async () => await SpreadAsync(leaves) is [50], "it has all");
        await using var stays = await Platform.StartAsync(Slow, leaves.ConnectionString);
        await Platform.UntilAsync(async () => await SpreadAsync(stays) is [0, 50], "the other has joined");
        await stays.PublishAsync(application);
        await receiver.WaitForAsync(100);

        await leaves.StopAsync();
        var since = Stopwatch.StartNew();
        await stays.PublishAsync(application);
        foreach (var endpoint in endpoints) await stays.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        Assert.InRange(since.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(45));
        Assert.Equal([50], await SpreadAsync(stays));
        AssertInOrder(receiver, endpoints: 50, 3);
    }

    /// <summary>Requests under way when a node is stopped may last longer than its lease: it renews until they have ended.</summary>
    [Fact]
    public async Task Stop_RequestLongerThanTheLease_IsFinishedAndSettledAndNotSentTwice()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var outlasted = new TaskCompletionSource();
        receiver.Respond(_ => ScriptedAnswer.NoContent with { After = outlasted.Task });
        await using var leaves = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(6));
        await using var stays = await Platform.StartAsync(connectionString: leaves.ConnectionString);
        var (application, endpoint) = await leaves.AddEndpointAsync(receiver.Url);
        await leaves.PublishAsync(application);
        await receiver.WaitForAsync(1);
        // Without a renewal, all leases of now would be over then.
        var over = await leaves.ScalarAsync<DateTime>("SELECT max(expires_at) FROM webhooks.node WHERE expires_at < clock_timestamp() + interval '7 s'");
        var stopping = Task.WhenAll(leaves.StopAsync(TimeSpan.FromMinutes(2)), stays.StopAsync());
        await Platform.UntilAsync(async () => await leaves.ScalarAsync<bool>($"SELECT clock_timestamp() > '{over:O}'"), "the lease of the beginning is over");
        outlasted.SetResult();
        await stopping;
        Assert.Equal(1, (await leaves.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);
        Assert.Equal(1, receiver.Count);
        Assert.Equal(0, await leaves.ScalarAsync<long>("SELECT count(*) FROM webhooks.node"));
    }

    private static Task<Platform> StartAsync(string? database) => Platform.StartAsync(options =>
    {
        options.Delivery.LeaseDuration = TimeSpan.FromSeconds(6);
        options.Delivery.Linger = TimeSpan.FromMinutes(1);
        options.Sending.Timeout = TimeSpan.FromSeconds(30);
    }, database);

    private static Task<List<int>> SpreadAsync(Platform platform) => platform.ListAsync<int>(Spread);

    private static void AssertInOrder(ScriptedReceiver receiver, int endpoints, int events)
    {
        var streams = receiver.Requests.Select(request =>
        {
            using var envelope = JsonDocument.Parse(request.Body);
            return (Endpoint: envelope.RootElement.GetProperty("endpoint").GetString()!, Seq: envelope.RootElement.GetProperty("seq").GetInt64());
        }).GroupBy(sent => sent.Endpoint, sent => sent.Seq).ToList();
        Assert.Equal(endpoints, streams.Count);
        Assert.All(streams, stream => Assert.Equal(Enumerable.Range(1, events).Select(seq => (long)seq), stream.Distinct()));
    }
}
