using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Publishing;

/// <summary>Promise 1: an event whose publish committed is delivered; one that was rolled back never was, and leaves no hole (promise 2).</summary>
public class PublishTests
{
    [Fact]
    public async Task Publish_InTheCallersTransaction_ExistsIfItCommits()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 20; i++)
        {
            await using var connection = await platform.Data.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", $"{i}"), transaction);
            if (i % 2 == 0) await transaction.CommitAsync();
            else await transaction.RollbackAsync();
        }

        await platform.Publisher.WakeAsync();
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal(Enumerable.Range(1, 10).Select(n => (long)n), receiver.Requests.Select(Wire.Seq));
        Assert.All(receiver.Requests.Index(), it => Assert.EndsWith($"\"data\":{it.Index * 2}}}", it.Item.Text));
    }

    [Fact]
    public async Task Publish_SeveralAtOnce_KeepTheirOrder()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            var events = Enumerable.Range(0, 200).Select(i => EventToPublish.FromJson(application, "a", $"{i}")).ToList();
            var ids = await platform.Publisher.PublishAsync(events, transaction);
            Assert.Empty(await platform.Publisher.PublishAsync([], transaction));
            await transaction.CommitAsync();
            await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 200);
            Assert.Equal(ids.Select(id => id.Value), receiver.Requests.Select(request => request.WebhookId));
        }

        Assert.All(receiver.Requests.Index(), it => Assert.EndsWith($"\"data\":{it.Index}}}", it.Item.Text));
    }

    [Fact]
    public async Task Publish_UnknownApplication_IsRefusedAndStoresNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, _) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var unknown = WebhookApplicationId.New();
        var good = Enumerable.Range(0, 20).Select(_ => platform.PublishAsync(application)).ToList();
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.PublishAsync(unknown));
        await Task.WhenAll(good);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await Assert.ThrowsAsync<WebhookNotFoundException>(() =>
                platform.Publisher.PublishAsync([EventToPublish.FromJson(application, "a", "1"), EventToPublish.FromJson(unknown, "a", "1")], transaction));
        }

        Assert.Equal(20, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
        Assert.Equal(0, await platform.ScalarAsync<long>($"SELECT count(*) FROM webhooks.application WHERE id = '{unknown}'"));
    }

    [Fact]
    public async Task Publish_EndedTransaction_SaysSo()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var application = await platform.Applications.CreateAsync("one");
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await transaction.CommitAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "a", "1"), transaction));
    }

    [Fact]
    public async Task Publish_SixtyFourAtOnce_ShareCommits()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var application = await platform.Applications.CreateAsync("one");
        await platform.PublishAsync(application);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        })));
        // Every insert has its transaction's id in xmin.
        Assert.InRange(await platform.ScalarAsync<long>("SELECT count(DISTINCT xmin::text) FROM webhooks.event"), 2, 320);
        Assert.Equal(641, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Fact]
    public async Task Publish_WaitCancelled_StoresWholeEventsOnly()
    {
        await using var platform = await Platform.StartAsync(options => options.Publishing.GroupCommitSize = 1, worker: false);
        var application = await platform.Applications.CreateAsync("one");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "a", "1"), new CancellationToken(canceled: true)));
        // Those that have found a place are held up there.
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var held = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("LOCK TABLE webhooks.event IN ACCESS EXCLUSIVE MODE", connection)) await hold.ExecuteNonQueryAsync();
        using var cancel = new CancellationTokenSource();
        var publishes = Enumerable.Range(0, 100).Select(_ => platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "a", "1"), cancel.Token)).ToList();
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0, "one waits for the table");
        await cancel.CancelAsync();
        await held.RollbackAsync();
        var confirmed = 0;
        foreach (var publish in publishes)
        {
            try
            {
                await publish;
                confirmed++;
            }
            catch (OperationCanceledException)
            {
                // It had found no place yet, so nothing of it was stored.
            }
        }

        Assert.InRange(confirmed, 1, 99);
        Assert.Equal(confirmed, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Publish_InAnotherProcess_WakesTheWorker(bool inTransaction)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        void Slowly(WebhookDispatcherOptions options)
        {
            options.Publishing.NotifyInTransaction = inTransaction;
            options.Sequencing.PollInterval = TimeSpan.FromMinutes(1);
            options.Delivery.PollInterval = TimeSpan.FromMinutes(1);
        }

        await using var worker = await Platform.StartAsync(Slowly);
        await using var publisher = await Platform.StartAsync(Slowly, worker.ConnectionString, worker: false);
        var (application, _) = await publisher.AddEndpointAsync(receiver.Url);
        await Platform.UntilAsync(async () => await worker.ScalarAsync<long>("SELECT count(*) FROM webhooks.stream WHERE matching") == 1, "the worker listens", seconds: 120);
        for (var i = 1; i <= 5; i++)
        {
            await using var connection = await publisher.Data.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await publisher.Publisher.PublishAsync(EventToPublish.FromJson(application, "a", "1"), transaction);
            await transaction.CommitAsync();
            if (!inTransaction) await publisher.Publisher.WakeAsync();
            await receiver.WaitForAsync(i, TimeSpan.FromSeconds(40));
        }

        await publisher.PublishAsync(application);
        await receiver.WaitForAsync(6, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task Publish_DatabaseAway_FailsClearlyAndAllGoesOnWhenItIsBack()
    {
        await using var server = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { Durable = false });
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(connectionString: await server.CreateDatabaseAsync());
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 20; i++) await platform.PublishAsync(application);
        await server.StopAsync();
        var failed = await Assert.ThrowsAsync<WebhookPublishException>(() => platform.PublishAsync(application));
        Assert.Contains("Publish again, with the same dedupe key", failed.Message);
        Assert.IsAssignableFrom<NpgsqlException>(failed.InnerException);
        await server.StartAgainAsync();
        await Platform.UntilAsync(async () =>
        {
            try
            {
                await platform.PublishAsync(application);
                return true;
            }
            catch (WebhookPublishException)
            {
                return false;
            }
        }, "publishing goes on");
        await receiver.WaitForAsync(request => Wire.Seq(request) == 21);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream is { Cursor: 21, Head: 21 });
        Assert.Equal(Enumerable.Range(1, 21).Select(n => (long)n), receiver.Requests.Select(Wire.Seq).Distinct());
    }
}
