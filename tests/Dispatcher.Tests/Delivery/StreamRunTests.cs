using System.Diagnostics;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Streams in steady state: what they cost, how they rest and wake.</summary>
public class StreamRunTests
{
    [Fact]
    public async Task Deliver_AllGoesWell_UpdatesNoRowOfAnEvent()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var since = Stopwatch.StartNew();
        await using var platform = await Platform.StartAsync(options => options.Delivery.SettleInterval = TimeSpan.FromMilliseconds(500));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 500);
        await platform.StopAsync();
        await platform.ExecuteAsync("SELECT pg_stat_force_next_flush()");
        Assert.Equal(500, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery"));
        // What is counted is counted of the partitions, not of the tables.
        const string Partitions = "FROM pg_stat_user_tables WHERE schemaname = 'webhooks' AND relname ~ '^(event|delivery|settlement|attempt|event_verdict)_p\\d+$'";
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>($"SELECT sum(n_tup_ins)::bigint {Partitions}") > 500, "what was written is counted");
        Assert.Equal(0, await platform.ScalarAsync<long>($"SELECT sum(n_tup_upd + n_tup_del)::bigint {Partitions}"));
        // One each time the interval is over, and one each time the endpoint is handed back.
        Assert.InRange(await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement"), 1, Math.Min(250, 20 + (since.ElapsedMilliseconds / 250)));
    }

    /// <summary>Promise 1: an endpoint without work is handed back; an event numbered at that very moment must not be left with nobody to deliver it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Idle_EventComesWhileItIsHandedBack_IsDeliveredAtOnce(int lingerMilliseconds)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Linger = TimeSpan.FromMilliseconds(lingerMilliseconds);
            options.Delivery.PollInterval = TimeSpan.FromMinutes(1);
            options.Sequencing.PollInterval = TimeSpan.FromMinutes(1);
            options.Delivery.LeaseDuration = TimeSpan.FromMinutes(10);
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var random = new Random(lingerMilliseconds);
        for (var i = 1; i <= 150; i++)
        {
            await platform.PublishAsync(application);
            await receiver.WaitForAsync(i, TimeSpan.FromSeconds(45));
            // The distance to the hand-back is what varies.
            var pause = Stopwatch.StartNew();
            while (pause.Elapsed.TotalMilliseconds < random.NextDouble() * 6) await Task.Yield();
        }

        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 150);
        Assert.Equal(150, receiver.Count);
    }

    /// <summary>The node that numbers an event is not the one that holds its endpoint: that one must hear of it before it looks by itself.</summary>
    [Fact]
    public async Task Deliver_EndpointHeldByAnotherProcess_HearsOfItAtOnce()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        void Slowly(WebhookDispatcherOptions options)
        {
            options.Delivery.Linger = TimeSpan.FromMinutes(10);
            options.Delivery.LeaseDuration = TimeSpan.FromMinutes(10);
            options.Sequencing.PollInterval = TimeSpan.FromSeconds(60);
        }

        await using var holder = await Platform.StartAsync(Slowly);
        var (application, endpoint) = await holder.AddEndpointAsync(receiver.Url);
        await holder.PublishAsync(application);
        await receiver.WaitForAsync(1);
        await using var other = await Platform.StartAsync(Slowly, holder.ConnectionString);
        for (var i = 2; i <= 10; i++)
        {
            await other.PublishAsync(application);
            await receiver.WaitForAsync(i, TimeSpan.FromSeconds(45));
        }

        await holder.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
    }

    /// <summary>Renewing, settling, handing back and numbering lock the same rows; none may wait for another in a circle.</summary>
    [Fact]
    public async Task Deliver_ManyEndpointsWithShortLeases_NothingDeadlocks()
    {
        await using var receiver = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { KeepBodies = false });
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.LeaseDuration = TimeSpan.FromMilliseconds(500);
            options.Delivery.Linger = TimeSpan.FromMilliseconds(10);
            options.Delivery.SettleInterval = TimeSpan.Zero;
        });
        var application = await platform.Applications.CreateAsync("many");
        var endpoints = new List<WebhookEndpointId>();
        for (var i = 0; i < 60; i++)
            endpoints.Add((await platform.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()))).Id);
        for (var i = 0; i < 30; i++)
        {
            await platform.PublishAsync(application);
            if (i % 3 == 0) await platform.Endpoints.UpdateAsync(endpoints[i], new EndpointSettings($"{receiver.Url}{i}"));
            if (i % 5 == 0) await platform.Endpoints.ResumeAsync(endpoints[i], after: 0);
        }

        foreach (var endpoint in endpoints) await platform.WaitForStreamAsync(endpoint, stream => stream.Cursor == 30);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
    }
}
