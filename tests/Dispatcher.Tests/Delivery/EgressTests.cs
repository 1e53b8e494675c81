using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Issue 3, point 5: a network cut at the node pauses nobody. Real sockets; what is cut is the node's way to them.</summary>
public class EgressTests
{
    private const int Endpoints = 200;

    [Theory]
    [InlineData(0, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task NetworkCut_TwoHundredEndpoints_NoneIsPausedAndAllDeliverSoonAfter(int failuresBefore, bool silently)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var network = new Network();
        // Silence ends with the time-out, so that it must be short, yet no machine hesitate for as long.
        var timeout = TimeSpan.FromSeconds(silently ? 3 : 60);
        await using var platform = await StartAsync(network, timeout: timeout);
        var (application, endpoints) = await AddEndpointsAsync(platform, receiver.Port, Endpoints);
        // Every endpoint has been delivered to: its connection is warm.
        await platform.PublishAsync(application);
        await DeliveredAsync(platform, endpoints.Count * 1L);

        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(lease_owner) FROM webhooks.delivery_state") == 0, "all is quiet");
        await platform.ExecuteAsync($"UPDATE webhooks.delivery_state SET consecutive_failures = {failuresBefore}, attempts = {failuresBefore}");

        // Over connections that stand, a cut is silence; new ones fail to come about.
        if (silently) receiver.Respond(_ => ScriptedAnswer.Never);
        else network.Cut = true;
        if (!silently) await platform.StopAsync();
        await using var second = silently ? null : await StartAsync(network, platform.ConnectionString, timeout);
        var cut = second ?? platform;
        for (var i = 0; i < 3; i++) await cut.PublishAsync(application);
        await Platform.UntilAsync(() => Task.FromResult(cut.Get<EgressWatch>().IsSuspect), "the network is suspected");
        Assert.Equal(HealthStatus.Degraded, (await cut.Get<HealthCheckService>().CheckHealthAsync()).Status);
        // Each has failed several times meanwhile.
        await Platform.UntilAsync(async () => await cut.ScalarAsync<long>("SELECT count(*) FROM webhooks.attempt") > (silently ? 3 : 5) * Endpoints, "all have been tried again", seconds: 120);
        await Platform.UntilAsync(
            async () => await cut.ScalarAsync<int>("SELECT max(consecutive_failures) FROM webhooks.delivery_state") <= failuresBefore, "what was counted is taken back");
        Assert.Equal(0, await cut.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE status = 'paused'"));

        network.Cut = false;
        receiver.Respond(null);
        await DeliveredAsync(cut, endpoints.Count * 4L);
        Assert.Equal(0, await cut.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE status = 'paused'"));
        Assert.Equal(0, await cut.ScalarAsync<long>("SELECT count(*) FROM webhooks.operational_event WHERE type = 'endpoint.paused'"));
        // On a slow machine a part of the endpoints may answer late once more: each turn is told, and the last is the recovery.
        await Platform.UntilAsync(
            async () => (await cut.ListAsync<string>("SELECT type FROM webhooks.operational_event WHERE type LIKE 'node.%' ORDER BY operational_event")) is { Count: > 0 } turns
                && turns.Chunk(2).All(turn => turn is ["node.egress_suspect", "node.egress_recovered"]), "both turns are told", seconds: 120);
        // In order, and nothing lost.
        Assert.All(receiver.Requests.GroupBy(request => request.Path), one => Assert.Equal([1, 2, 3, 4], one.Select(Wire.Seq).Distinct()));
        await Platform.UntilAsync(async () => (await cut.Get<HealthCheckService>().CheckHealthAsync()).Status == HealthStatus.Healthy, "the node is healthy again");
    }

    [Fact]
    public async Task OneDeadAmongManyAlive_IsPausedStill()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var network = new Network();
        await using var platform = await StartAsync(network);
        var (application, endpoints) = await AddEndpointsAsync(platform, receiver.Port, 40);
        network.Dead = "e7.example";
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(endpoints[7], stream => stream.Status == EndpointStatus.Paused);
        Assert.Equal((PauseReason.Failing, 3), (stream.PauseReason, stream.ConsecutiveFailures));
        // The third would have paused it; one more confirmed that.
        Assert.Contains("attempt 4: connect_failed", stream.PauseEvidence);
        await DeliveredAsync(platform, 39 * 5);
        Assert.False(platform.Get<EgressWatch>().IsSuspect);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE status = 'paused'"));
    }

    [Fact]
    public async Task FewerThanTwentyAllDead_ArePausedStill()
    {
        var network = new Network { Cut = true };
        await using var platform = await StartAsync(network);
        var (application, _) = await AddEndpointsAsync(platform, 1, 15);
        await platform.PublishAsync(application);
        await Platform.UntilAsync(
            async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE status = 'paused'") == 15, "all are paused");
        Assert.False(platform.Get<EgressWatch>().IsSuspect);
    }

    private static Task<Platform> StartAsync(Network network, string? connectionString = null, TimeSpan? timeout = null) => Platform.StartAsync(
        options =>
        {
            if (timeout is { } limit) options.Sending.Timeout = limit;
            options.Delivery.Waits[0] = TimeSpan.FromMilliseconds(500);
            options.Egress.LongestWait = TimeSpan.FromMilliseconds(500);
        },
        connectionString,
        services: services => services.AddSingleton<LookUp>(network.LookUp));

    private static async Task<(WebhookApplicationId Application, List<WebhookEndpointId> Endpoints)> AddEndpointsAsync(Platform platform, int port, int count)
    {
        var application = await platform.Applications.CreateAsync("customer");
        var endpoints = new List<WebhookEndpointId>();
        for (var i = 0; i < count; i++)
            endpoints.Add((await platform.Endpoints.CreateAsync(application, new EndpointSettings($"http://e{i}.example:{port}/{i}"))).Id);
        return (application, endpoints);
    }

    private static Task DeliveredAsync(Platform platform, long deliveries) => Platform.UntilAsync(
        async () => await platform.ScalarAsync<long>("SELECT coalesce(sum(last_seq - first_seq + 1), 0)::bigint FROM webhooks.settlement WHERE outcome = 'delivered'") >= deliveries,
        $"{deliveries} are delivered", seconds: 120);

    /// <summary>Whether names lead to the receiver, or to an address at which nobody is.</summary>
    private sealed class Network
    {
        private static readonly IPAddress[] Nowhere = [IPAddress.Parse("127.255.255.254")];
        private volatile bool _cut;

        public bool Cut
        {
            get => _cut;
            set => _cut = value;
        }

        public string? Dead { get; set; }

        public IPAddress[] LookUp(string host) =>
            Cut ? throw new SocketException((int)SocketError.TryAgain) : host == Dead ? Nowhere : [IPAddress.Loopback];
    }
}
