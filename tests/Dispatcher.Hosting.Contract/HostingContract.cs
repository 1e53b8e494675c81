using Webhooks.Dispatcher.Tasks;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>What every host must keep to, whatever runs it: the promises of <c>docs/guarantees.md</c>, as far as a host could break them. The numbers are theirs.</summary>
public abstract class HostingContract
{
    /// <summary>A host for the processes of one test.</summary>
    protected abstract Task<IHostUnderTest> CreateAsync(string connectionString);

    [Fact]
    public async Task Publish_InTheSameProcess_IsDelivered()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(stage.Receiver.Url);
        for (var round = 1; round <= 5; round++)
        {
            await platform.PublishAsync(application, 3);
            await platform.SettledAsync(endpoint, 3 * round);
        }

        ContractPlatform.InOrder(stage.Receiver, 15);
    }

    [Fact]
    public async Task Publish_InAnotherProcess_IsDelivered()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        for (var round = 1; round <= 5; round++)
        {
            await publisher.PublishAsync(application);
            await publisher.SettledAsync(endpoint, round);
        }

        ContractPlatform.InOrder(stage.Receiver, 5);
    }

    /// <summary>A hint is only faster: what nobody announces is found all the same.</summary>
    [Fact]
    public async Task Publish_InATransactionThatNobodyAnnounces_IsDelivered()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        for (var i = 1; i <= 3; i++)
        {
            await using (var connection = await publisher.Data.OpenConnectionAsync())
            await using (var transaction = await connection.BeginTransactionAsync())
            {
                await publisher.Publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "{}"), transaction);
                await transaction.CommitAsync();
            }

            await publisher.SettledAsync(endpoint, i);
        }

        ContractPlatform.InOrder(stage.Receiver, 3);
    }

    [Fact]
    public async Task Publish_ToManyEndpointsAtOnce_EachGetsItsOwnInOrder()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var customers = new List<(WebhookApplicationId Application, WebhookEndpointId Endpoint)>();
        for (var i = 0; i < 20; i++) customers.Add(await publisher.AddEndpointAsync(new Uri(stage.Receiver.Url, $"/{i}")));
        await Task.WhenAll(customers.Select(customer => publisher.PublishAsync(customer.Application, 10)));
        foreach (var (_, endpoint) in customers) await publisher.SettledAsync(endpoint, 10);
        foreach (var stream in stage.Receiver.Requests.GroupBy(request => request.Path))
            Assert.Equal(Enumerable.Range(1, 10).Select(seq => (long)seq), stream.Select(ContractPlatform.Seq).Distinct());
    }

    /// <summary>However short a time a host gives an endpoint at once, it comes back to it.</summary>
    [Fact]
    public async Task Backlog_LongerThanItsTurn_IsWorkedOff()
    {
        await using var stage = await StageAsync();
        stage.Receiver.Respond(_ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(20) });
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await publisher.PublishAsync(application, 60);
        await using var platform = await stage.StartAsync();
        await publisher.SettledAsync(endpoint, 60);
        ContractPlatform.InOrder(stage.Receiver, 60);
    }

    /// <summary>Promise 6, and a retry is due at a time, not when somebody happens to look.</summary>
    [Fact]
    public async Task Endpoint_Fails_IsTriedAgainThenPausedThenResumed()
    {
        await using var stage = await StageAsync();
        stage.Receiver.Respond(_ => ScriptedAnswer.Of(500));
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await publisher.PublishAsync(application, 2);
        await publisher.PausedAsync(endpoint);
        var failed = (int)stage.Receiver.Count;
        Assert.InRange(failed, 3, 4);
        Assert.All(stage.Receiver.Requests, request => Assert.Equal(1, ContractPlatform.Seq(request)));
        stage.Receiver.Respond(null);
        await publisher.Endpoints.ResumeAsync(endpoint);
        await publisher.SettledAsync(endpoint, 2);
        Assert.Equal([1L, 2L], stage.Receiver.Requests.Skip(failed).Select(ContractPlatform.Seq).Distinct());
    }

    /// <summary>An event that fails while others succeed is sent beside its stream, when it is due.</summary>
    [Fact]
    public async Task Event_FailsAlone_IsTriedAgainBesideTheStream()
    {
        await using var stage = await StageAsync();
        var poisoned = 1;
        stage.Receiver.Respond(request => ContractPlatform.Seq(request) == 2 && Interlocked.Exchange(ref poisoned, 0) == 1 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await stage.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(stage.Receiver.Url, new EndpointSettings("") { Ordering = EndpointOrdering.Relaxed });
        await platform.PublishAsync(application, 6);
        await platform.SettledAsync(endpoint, 6);
        await ContractPlatform.UntilAsync(async () => await platform.CountAsync("SELECT count(*) FROM webhooks.deferred") == 0, "nothing waits beside the stream");
        Assert.Equal(2, stage.Receiver.Requests.Count(request => ContractPlatform.Seq(request) == 2));
    }

    /// <summary>Promise 5: when a pause has returned, no new send can begin, wherever it is sent from.</summary>
    [Fact]
    public async Task Pause_HasReturned_NothingIsSentAnyMore()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await publisher.PublishAsync(application, 30);
        await stage.Receiver.WaitForAsync(3, ContractPlatform.Patience);
        await publisher.Endpoints.PauseAsync(endpoint);
        await ContractPlatform.UntilAsync(
            async () => await publisher.CountAsync("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL") == 0, "it is handed back");
        var sent = stage.Receiver.Count;
        await publisher.PublishAsync(application, 5);
        // Another stream has been all the way since.
        var (other, witness) = await publisher.AddEndpointAsync(new Uri(stage.Receiver.Url, "/witness"));
        await publisher.PublishAsync(other, 5);
        await publisher.SettledAsync(witness, 5);
        Assert.Equal(sent, stage.Receiver.Requests.Count(request => request.Path != "/witness"));
        await publisher.Endpoints.ResumeAsync(endpoint);
        await publisher.SettledAsync(endpoint, 35);
    }

    /// <summary>Promise 9: there are more endpoints that never answer than a host has workers, and they cost the others nothing.</summary>
    [Fact]
    public async Task Endpoints_ThatNeverAnswer_HoldUpNoOther()
    {
        await using var stage = await StageAsync();
        stage.Receiver.Respond(request => request.Path == "/dead" ? ScriptedAnswer.Never : ScriptedAnswer.NoContent);
        await using var platform = await stage.StartAsync(options => options.Sending.Timeout = TimeSpan.FromMinutes(2));
        for (var i = 0; i < 12; i++)
        {
            var (dead, _) = await platform.AddEndpointAsync(new Uri(stage.Receiver.Url, "/dead"));
            await platform.PublishAsync(dead);
        }

        await stage.Receiver.WaitForAsync(12, ContractPlatform.Patience);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri(stage.Receiver.Url, "/alive"));
        await platform.PublishAsync(application, 10);
        await platform.SettledAsync(endpoint, 10);
    }

    /// <summary>Promise 3, with two processes that both want everything.</summary>
    [Fact]
    public async Task Hosts_TwoOnOneDatabase_DeliverInOrderWithoutSendingTwice()
    {
        await using var stage = await StageAsync();
        await using var one = await stage.StartAsync();
        await using var two = await stage.StartAsync();
        var (application, endpoint) = await one.AddEndpointAsync(stage.Receiver.Url);
        for (var round = 1; round <= 10; round++)
        {
            await one.PublishAsync(application, 5);
            await two.PublishAsync(application, 5);
            if (round % 3 == 0) await two.SettledAsync(endpoint, 10 * round);
        }

        await one.SettledAsync(endpoint, 100);
        Assert.Equal(Enumerable.Range(1, 100).Select(seq => (long)seq), stage.Receiver.Requests.Select(ContractPlatform.Seq));
    }

    [Fact]
    public async Task Host_StartsLate_DeliversWhatWasPublishedBefore()
    {
        await using var stage = await StageAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await publisher.PublishAsync(application, 20);
        await using var platform = await stage.StartAsync();
        await publisher.SettledAsync(endpoint, 20);
        ContractPlatform.InOrder(stage.Receiver, 20);
    }

    /// <summary>What is under way ends and is settled, the rest is handed back, and whoever comes next goes on at once and sends nothing twice.</summary>
    [Fact]
    public async Task Host_IsStopped_FinishesAndHandsBack()
    {
        await using var stage = await StageAsync();
        stage.Receiver.Respond(_ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(100) });
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await publisher.PublishAsync(application, 10);
        await stage.Receiver.WaitForAsync(2, ContractPlatform.Patience);
        await platform.StopAsync();
        Assert.Equal(0, await publisher.CountAsync("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL"));
        Assert.Equal(0, await publisher.CountAsync("SELECT count(*) FROM webhooks.node"));
        Assert.Equal(stage.Receiver.Count, (await publisher.Endpoints.GetStreamAsync(endpoint)).Cursor);
        await using var next = await stage.StartAsync();
        await publisher.SettledAsync(endpoint, 10);
        Assert.Equal(Enumerable.Range(1, 10).Select(seq => (long)seq), stage.Receiver.Requests.Select(ContractPlatform.Seq));
    }

    /// <summary>Promise 10: what a process had that is suddenly no more is taken over when its lease ends; nothing is lost and the order holds.</summary>
    [Fact]
    public async Task Host_IsNoMoreInTheMiddle_AnotherTakesOver()
    {
        await using var stage = await StageAsync();
        stage.Receiver.Respond(_ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(10) });
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await using (var dead = await stage.StartAsync(canBeCut: true))
        {
            await publisher.PublishAsync(application, 100);
            await stage.Receiver.WaitForAsync(10, ContractPlatform.Patience);
            dead.Cut();
            await using var alive = await stage.StartAsync();
            await publisher.SettledAsync(endpoint, 100);
        }

        ContractPlatform.InOrder(stage.Receiver, 100);
    }

    /// <summary>Promise 1: the truth is in the dispatcher's tables. What a host keeps for itself may be gone at any moment.</summary>
    [Fact]
    public async Task Jobs_AreAllLost_NoEventIs()
    {
        await using var stage = await StageAsync();
        stage.Receiver.Respond(_ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(10) });
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var customers = new List<(WebhookApplicationId Application, WebhookEndpointId Endpoint)>();
        for (var i = 0; i < 5; i++) customers.Add(await publisher.AddEndpointAsync(stage.Receiver.Url));
        for (var round = 1; round <= 3; round++)
        {
            foreach (var (application, _) in customers) await publisher.PublishAsync(application, 5);
            await stage.Host.LoseJobsAsync();
        }

        foreach (var (_, endpoint) in customers) await publisher.SettledAsync(endpoint, 15);
    }

    /// <summary>Whoever listened must listen again, and look at what it missed.</summary>
    [Fact]
    public async Task Connections_AreAllCut_NothingIsLost()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(stage.Receiver.Url);
        await platform.PublishAsync(application, 2);
        await platform.SettledAsync(endpoint, 2);
        await platform.CountAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        await using var publisher = await stage.StartPublisherAsync();
        await publisher.PublishAsync(application, 3);
        await publisher.SettledAsync(endpoint, 5);
        ContractPlatform.InOrder(stage.Receiver, 5);
    }

    [Fact]
    public async Task Maintenance_IsDone()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        await ContractPlatform.UntilAsync(() => Task.FromResult(platform.Get<DispatcherWork>().LastMaintenance is not null), "maintenance has been done");
    }

    [Fact]
    public async Task Task_OfAnotherProcess_IsDone()
    {
        await using var stage = await StageAsync();
        await using var platform = await stage.StartAsync();
        await using var publisher = await stage.StartPublisherAsync();
        var (application, endpoint) = await publisher.AddEndpointAsync(stage.Receiver.Url);
        await publisher.PublishAsync(application, 3);
        await publisher.SettledAsync(endpoint, 3);
        await using (var connection = await publisher.Data.OpenConnectionAsync())
        {
            var key = await publisher.CountAsync("SELECT application FROM webhooks.application");
            var stream = await publisher.CountAsync("SELECT endpoint FROM webhooks.endpoint");
            Assert.NotNull(await publisher.Get<WebhookTasks>().CreateAsync(connection, key, stream, "replay", 1, 3, null, 1, 3, CancellationToken.None));
        }

        await ContractPlatform.UntilAsync(() => Task.FromResult(stage.Receiver.Count == 6), "all was sent again");
    }

    private async Task<ContractStage> StageAsync()
    {
        var database = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        return new ContractStage(database, await CreateAsync(database), await ScriptedReceiver.StartAsync());
    }
}
