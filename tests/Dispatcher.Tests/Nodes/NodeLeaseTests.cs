using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Nodes;

/// <summary>Promise 10: what a node has leased is its own while its row lives; then it is freed once, as a whole, and the node can write nothing more.</summary>
public class NodeLeaseTests
{
    private static readonly AttemptResult Gone = new(AttemptOutcome.Gone, 410);

    [Fact]
    public void IsValid_LongerThanTheLeaseSinceTheRenewalBegan_IsNot()
    {
        var clock = new ManualTimeProvider();
        var lease = new NodeLease(clock, Options.Create(new WebhookDispatcherOptions { Delivery = { LeaseDuration = TimeSpan.FromSeconds(10) } }));
        Assert.False(lease.IsValid);
        var began = clock.GetTimestamp();
        clock.Advance(TimeSpan.FromSeconds(4));
        lease.Renewed(began);
        clock.Advance(TimeSpan.FromSeconds(5.9));
        Assert.True(lease.IsValid);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.False(lease.IsValid);
        var id = lease.Id;
        lease.Renewed(clock.GetTimestamp());
        lease.Lost();
        Assert.False(lease.IsValid);
        Assert.NotEqual(id, lease.Id);
    }

    [Fact]
    public async Task TakeOver_ByManyAtOnce_FreesOnceAndLeavesNothingToTheDead()
    {
        await using var dead = await DeskAsync(endpoints: 30);
        var leases = await dead.ClaimAsync(100);
        Assert.Equal(30, leases.Count);
        await dead.ExecuteAsync("UPDATE webhooks.node SET expires_at = clock_timestamp()");
        var freed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => dead.Get<NodeStore>().TakeOverAsync(default)));
        Assert.Equal(30, freed.Sum());
        Assert.Single(freed, count => count > 0);
        Assert.Equal(0, await dead.ScalarAsync<long>("SELECT count(*) FROM webhooks.node"));
        Assert.Equal(30, await dead.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NULL AND due_at <= now()"));

        Assert.False(await dead.Get<Settler>().SettleAsync(leases[0], Delivered(1, 2), forgetFailures: true));
        Assert.False(await dead.Get<LeaseStore>().FailAsync(leases[0], 1, Gone, leases[0].State.Apply(Gone, 3, new DeliveryOptions(), 0.5), FailureForm.Wait, default));
        await dead.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now() + interval '1 hour'");
        await dead.Get<LeaseStore>().ReleaseAsync(leases[0], default);
        Assert.Equal(0, await dead.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE due_at < now() + interval '50 minutes'"));
        Assert.Empty(await dead.Get<LeaseStore>().ClaimAsync(100, default));
        Assert.Null(await dead.Get<NodeStore>().RenewAsync(dead.Get<NodeLease>().Id, 0, leaving: false, default));
    }

    [Fact]
    public async Task TakeOver_OfANodeThatHasRenewedMeanwhile_FreesNothing()
    {
        await using var late = await DeskAsync(endpoints: 3);
        var leases = await late.ClaimAsync(10);
        await late.ExecuteAsync("UPDATE webhooks.node SET expires_at = clock_timestamp()");
        Assert.NotNull(await late.Get<NodeStore>().RenewAsync(late.Get<NodeLease>().Id, 3, leaving: false, default));
        Assert.Equal(0, await late.Get<NodeStore>().TakeOverAsync(default));
        Assert.True(await late.Get<Settler>().SettleAsync(leases[0], Delivered(1, 2), forgetFailures: true));
    }

    /// <summary>A claim of a node that is just being taken over would leave endpoints to a node that nobody ever finds expired.</summary>
    [Fact]
    public async Task Claim_WhileTheNodeIsBeingTakenOver_TakesNothing()
    {
        await using var late = await DeskAsync(endpoints: 3);
        Assert.Equal(3, (await late.ClaimAsync(10)).Count);
        await late.ExecuteAsync("UPDATE webhooks.delivery_state SET lease_owner = NULL, due_at = now()");
        await using var connection = await late.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var locked = new Npgsql.NpgsqlCommand("SELECT FROM webhooks.node FOR UPDATE", connection)) await locked.ExecuteNonQueryAsync();
        Assert.Empty(await late.Get<LeaseStore>().ClaimAsync(10, default));
        await transaction.RollbackAsync();
        Assert.Equal(3, (await late.Get<LeaseStore>().ClaimAsync(10, default)).Count);
    }

    [Fact]
    public async Task Renew_WithManyLeases_WritesOneRow()
    {
        await using var platform = await DeskAsync(endpoints: 300);
        Assert.Equal(300, (await platform.ClaimAsync(500)).Count);
        const string Versions = "SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY endpoint) FROM webhooks.delivery_state";
        var before = await platform.ScalarAsync<string>(Versions);
        for (var i = 0; i < 3; i++) Assert.NotNull(await platform.Get<NodeStore>().RenewAsync(platform.Get<NodeLease>().Id, 300, leaving: false, default));
        Assert.Equal(before, await platform.ScalarAsync<string>(Versions));
        Assert.Equal(300, await platform.ScalarAsync<int>("SELECT leases FROM webhooks.node"));
    }

    [Theory]
    [InlineData("UPDATE webhooks.delivery_state SET version = version + 1")]
    [InlineData("UPDATE webhooks.delivery_state SET status = 'deleted'")]
    public async Task Renew_AfterAChangeThatNobodyAnnounced_NamesTheLease(string change)
    {
        await using var platform = await DeskAsync(endpoints: 3);
        var leases = await platform.ClaimAsync(10);
        var id = platform.Get<NodeLease>().Id;
        Assert.Empty((await platform.Get<NodeStore>().RenewAsync(id, 3, leaving: false, default))!.Recalled);
        await platform.ExecuteAsync($"{change} WHERE endpoint = {leases[1].Endpoint}");
        var renewal = await platform.Get<NodeStore>().RenewAsync(id, 3, leaving: false, default);
        Assert.Equal([new HeldLease(leases[1].Endpoint, leases[1].LeaseEpoch)], renewal!.Recalled);
    }

    /// <summary>A pause whose hint was lost is found at a renewal, and the pause waits for that.</summary>
    [Fact]
    public async Task Pause_HintLost_IsFoundAtTheNextRenewal()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        // At first as fast as it goes, and then so slowly that not all can have been sent before the renewal.
        receiver.Respond(request => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(request.Number < 100 ? 2 : 50) });
        await using var platform = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(6));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 3000; i++) _ = platform.PublishAsync(application);
        await receiver.WaitForAsync(20);
        await platform.ExecuteAsync(
            "UPDATE webhooks.delivery_state SET status = 'paused', pause_reason = 'manual', paused_at = now(), due_at = NULL");
        await Platform.UntilAsync(
            async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL") == 0, "it is handed back");
        Assert.InRange(receiver.Count, 20, 2999);
        var stopped = receiver.Count;
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == stopped);
    }

    /// <summary>
    /// Suspended between taking an endpoint and beginning to send, for so long that a pause no longer waited for it: the renewal that comes first sees the
    /// pause, and the pump that begins after it must know.
    /// </summary>
    [Fact]
    public async Task Recall_OfALeaseThatIsOnlyAboutToBegin_LetsNothingBeSent()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        while ((await platform.Get<DispatcherWork>().SequencePendingAsync(all: true, default)).Events == 0)
        {
            // The endpoint's own marker comes first.
        }

        await platform.JoinAsync();
        platform.Get<NodeLease>().Renewed(TimeProvider.System.GetTimestamp());
        var key = await platform.ScalarAsync<long>($"SELECT endpoint FROM webhooks.endpoint WHERE id = '{endpoint.Id}'");
        platform.Get<Pumps>().Recall(new HeldLease(key, 1));
        Assert.Equal(1, await platform.Get<DispatcherWork>().DeliverAsync(default, default));
        await Platform.UntilAsync(
            async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL") == 0, "it is handed back");
        Assert.Equal(0, receiver.Count);

        platform.Get<NodeLease>().Renewed(TimeProvider.System.GetTimestamp());
        Assert.Equal(1, await platform.Get<DispatcherWork>().DeliverAsync(default, default));
        await receiver.WaitForAsync(1);
    }

    /// <summary>What a claim took whose answer was lost is worked on by nobody; it is found, and nothing that is worked on is taken for it.</summary>
    [Fact]
    public async Task Orphans_OfAClaimBrokenOff_AreTakenUpAndOthersStay()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(
            options => (options.Delivery.Linger, options.Sequencing.PollInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1)));
        // Of what another process publishes it hears by listening; and when it has begun to listen, all that it held before was handed back and taken anew.
        await using var desk = await Platform.StartAsync(connectionString: platform.ConnectionString, worker: false);
        var (application, endpoint) = await desk.AddEndpointAsync(receiver.Url);
        await desk.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1, seconds: 120);
        var epoch = $"SELECT lease_epoch FROM webhooks.delivery_state WHERE endpoint = (SELECT endpoint FROM webhooks.endpoint WHERE id = '{endpoint.Id}')";
        var before = await platform.ScalarAsync<long>(epoch);
        var (other, orphan) = await platform.AddEndpointAsync(receiver.Url);
        await platform.ExecuteAsync(
            $"""
            UPDATE webhooks.delivery_state SET lease_owner = '{platform.Get<NodeLease>().Id}', lease_epoch = lease_epoch + 1, lease_version = version
            WHERE endpoint = (SELECT endpoint FROM webhooks.endpoint WHERE id = '{orphan.Id}')
            """);
        platform.Get<Pumps>().MayHaveLeftBehind = true;
        await platform.PublishAsync(other);
        await platform.WaitForStreamAsync(orphan.Id, stream => stream.Cursor == 1);
        Assert.Equal(before, await platform.ScalarAsync<long>(epoch));
    }

    /// <summary>Its row deleted under its hands, as after a long suspension: it stops, joins under another id and goes on, in order.</summary>
    [Fact]
    public async Task Node_ThatHasLostItsRow_JoinsUnderAnotherIdAndKeepsOrder()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(2));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var ids = new HashSet<Guid>();
        for (var round = 0; round < 3; round++)
        {
            var before = (int)receiver.Count;
            for (var i = 0; i < 200; i++) _ = platform.PublishAsync(application);
            await receiver.WaitForAsync(before + 10);
            var id = platform.Get<NodeLease>().Id;
            // On a slow machine it may have lost its row by itself meanwhile; never does it come back under an id that it has lost.
            Assert.DoesNotContain(id, ids);
            ids.Add(id);
            await platform.ExecuteAsync("UPDATE webhooks.node SET expires_at = clock_timestamp()");
            // Its own renewal may come first, and then it keeps what it has.
            await Platform.UntilAsync(async () =>
            {
                await platform.ExecuteAsync("UPDATE webhooks.node SET expires_at = clock_timestamp()");
                await platform.Get<NodeStore>().TakeOverAsync(default);
                return platform.Get<NodeLease>().Id != id;
            }, "it joins again");
        }

        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 600);
        Assert.Equal(Enumerable.Range(1, 600).Select(seq => (long)seq), receiver.Requests.Select(Wire.Seq).Distinct());
    }

    private static Settlement Delivered(long first, long last) => new(first - 1, [new SettledRun(first, last, "delivered")], last, []);

    private static async Task<Platform> DeskAsync(int endpoints)
    {
        var platform = await Platform.StartAsync(worker: false);
        var application = await platform.Applications.CreateAsync("many");
        for (var i = 0; i < endpoints; i++) await platform.Endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/"));
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now()");
        return platform;
    }
}
