using System.Diagnostics;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 10: a dead node's work is taken over within its lease, and a node that wakes up late cannot move a cursor.</summary>
public class TakeoverTests
{
    [Fact]
    public async Task Claim_TwoNodesManyEndpoints_OnlyOneGetsEach()
    {
        await using var one = await Platform.StartAsync(worker: false);
        await using var two = await Platform.StartAsync(connectionString: one.ConnectionString, worker: false);
        var application = await one.Applications.CreateAsync("many");
        for (var i = 0; i < 50; i++) await one.Endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/"));
        await one.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now()");
        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : two).ClaimAsync(7)));
        var taken = claims.SelectMany(leases => leases).Select(lease => lease.Endpoint).ToList();
        Assert.Equal(50, taken.Count);
        Assert.Equal(50, taken.Distinct().Count());
    }

    [Fact]
    public async Task Node_Dies_AnotherTakesOverWithinTheLease()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var dead = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(2), worker: false);
        var (application, endpoint) = await dead.AddEndpointAsync(receiver.Url);
        await dead.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now()");
        var lease = Assert.Single(await dead.ClaimAsync(10));
        var ends = await dead.ScalarAsync<DateTime>("SELECT expires_at FROM webhooks.node");
        await using var alive = await Platform.StartAsync(connectionString: dead.ConnectionString);
        for (var i = 0; i < 5; i++) await alive.PublishAsync(application);
        // Nobody renews it, so that it is over; and not before.
        var first = (await receiver.WaitForAsync(1))[0];
        Assert.True(first.ArrivedAt >= ends, $"It was sent at {first.ArrivedAt:O}, and the lease ended at {ends:O}.");
        await alive.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);

        // It wakes up and thinks it had delivered two.
        Assert.False(await dead.Get<Settler>().SettleAsync(lease, Delivered(1, 2), forgetFailures: true));
        var failure = new Webhooks.Dispatcher.Sending.AttemptResult(Webhooks.Dispatcher.Sending.AttemptOutcome.Gone, 410);
        Assert.False(await dead.Get<LeaseStore>().FailAsync(lease, 1, failure, lease.State.Apply(failure, 3, new DeliveryOptions(), 0.5), FailureForm.Wait, default));
        var stream = await alive.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((5, EndpointStatus.Active), (stream.Cursor, stream.Status));
    }

    [Theory]
    [InlineData("UPDATE webhooks.delivery_state SET lease_epoch = lease_epoch + 1")]
    [InlineData("UPDATE webhooks.delivery_state SET version = version + 1")]
    [InlineData("UPDATE webhooks.delivery_state SET lease_owner = gen_random_uuid()")]
    public async Task Settle_LeaseChangedMeanwhile_SettlesNothing(string change)
    {
        await using var platform = await Platform.StartAsync(worker: false);
        await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now()");
        var lease = Assert.Single(await platform.ClaimAsync(10));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, Delivered(1, 1), forgetFailures: false));
        await platform.ExecuteAsync(change);
        Assert.False(await platform.Get<Settler>().SettleAsync(lease, Delivered(2, 2), forgetFailures: false));
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT max(cursor) FROM webhooks.settlement"));
    }

    /// <summary>Of two leases of one node only the later counts.</summary>
    [Fact]
    public async Task Settle_UnderAnEarlierLeaseOfTheSameNode_WritesNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now()");
        var earlier = Assert.Single(await platform.ClaimAsync(10));
        await platform.Get<LeaseStore>().ReleaseAsync(earlier, default);
        var later = Assert.Single(await platform.ClaimAsync(10));
        Assert.False(await platform.Get<Settler>().SettleAsync(earlier, Delivered(1, 1), forgetFailures: false));
        Assert.True(await platform.Get<Settler>().SettleAsync(later, Delivered(1, 1), forgetFailures: false));
    }

    /// <summary>Settles do not wait for the disk: a crash of the server may take the last of them, and the next must not step over what it told.</summary>
    [Fact]
    public async Task Settle_AfterACrashHasTakenTheOneBefore_WritesNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        for (var i = 0; i < 4; i++) await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        var lease = Assert.Single(await platform.ClaimAsync(10));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, Delivered(1, 1), forgetFailures: false));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, Delivered(2, 3), forgetFailures: false));
        await platform.ExecuteAsync("DELETE FROM webhooks.settlement WHERE first_seq = 2");

        Assert.False(await platform.Get<Settler>().SettleAsync(lease, Delivered(4, 4), forgetFailures: false));
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement WHERE first_seq = 4"));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, Delivered(2, 4), forgetFailures: false));
    }

    /// <summary>The crash came after the last event: no further settle will find out.</summary>
    [Fact]
    public async Task Pump_CrashHasTakenTheLastSettle_SendsAgainAndSettles()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        // The crash, at the only moment that can be hit: the row is gone as soon as it is written.
        await platform.ExecuteAsync(
            """
            CREATE TABLE crashed AS SELECT false AS yet;
            CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT yet FROM crashed) THEN RETURN NEW; END IF;
                UPDATE crashed SET yet = true;
                RETURN NULL;
            END $$;
            CREATE TRIGGER crash BEFORE INSERT ON webhooks.settlement FOR EACH ROW EXECUTE FUNCTION crash()
            """);
        await platform.PublishAsync(application);
        await Platform.UntilAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor == 1, "it is settled");
        Assert.Equal([1L, 1L], receiver.Requests.Select(Wire.Seq));
    }

    private static Settlement Delivered(long first, long last) => new(first - 1, [new SettledRun(first, last, "delivered")], last, []);

    [Fact]
    public async Task Connections_AllCutDuringDelivery_NothingIsLostAndOrderHolds()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(1));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var published = 0;
        using var done = new CancellationTokenSource();
        var publishing = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                try
                {
                    await platform.PublishAsync(application);
                    Interlocked.Increment(ref published);
                }
                catch (WebhookPublishException)
                {
                    // It may have been stored; then it is delivered beside those that were confirmed.
                }
            }
        })));
        for (var round = 0; round < 3; round++)
        {
            await receiver.WaitForAsync((int)receiver.Count + 50);
            await using var admin = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(platform.ConnectionString) { Pooling = false }.ToString());
            await admin.OpenAsync();
            await using var cut = new NpgsqlCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", admin);
            await cut.ExecuteNonQueryAsync();
        }

        await receiver.WaitForAsync((int)receiver.Count + 50);
        await done.CancelAsync();
        await publishing;
        await Platform.UntilAsync(async () =>
        {
            try
            {
                var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
                return stream.Head >= published && stream.Cursor == stream.Head;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        }, "all is delivered");
        var head = (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head;
        Assert.Equal(Enumerable.Range(1, (int)head).Select(seq => (long)seq), receiver.Requests.Select(Wire.Seq).Distinct());
    }

    [Fact]
    public async Task Stop_Gracefully_HandsEverythingBack()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var leaving = new TaskCompletionSource();
        receiver.Enqueue(ScriptedAnswer.NoContent, ScriptedAnswer.NoContent with { After = leaving.Task });
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(2);
        var stopping = platform.StopAsync();
        await Platform.UntilAsync(async () => await platform.ScalarAsync<bool>("SELECT leaving FROM webhooks.node"), "the node says that it leaves");
        leaving.SetResult();
        await stopping;
        Assert.Equal(2, receiver.Count);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL"));
        Assert.Equal(2, await platform.ScalarAsync<long>("SELECT max(cursor) FROM webhooks.settlement"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"));
        await using var next = await Platform.StartAsync(connectionString: platform.ConnectionString);
        await next.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        Assert.Equal([1, 2, 3, 4, 5], receiver.Requests.Select(Wire.Seq));
    }

    /// <summary>The host's patience bounds the stop; what was broken off is handed back, so that nobody waits for the lease to run out.</summary>
    [Fact]
    public async Task Stop_ReceiverNeverAnswers_EndsWithTheHostsPatienceAndHandsBack()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Never);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Sending.Timeout = TimeSpan.FromMinutes(2);
            options.Delivery.LeaseDuration = TimeSpan.FromMinutes(2);
        });
        var (application, _) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await receiver.WaitForAsync(1);
        var since = Stopwatch.StartNew();
        await platform.StopAsync(TimeSpan.FromMilliseconds(500));
        Assert.InRange(since.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.attempt"));
    }
}
