using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Epochs;
using Webhooks.Dispatcher.Feed;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Epochs;

/// <summary>The epoch is raised when the database is another one, once, and before anything is numbered.</summary>
public class RaiseTests
{
    // As seen from the rows, another timeline is what a failover leaves: the row is of before, the server is not.
    private const string FailOver = "UPDATE webhooks.database_identity SET timeline = timeline + 100";
    private const string Raises = "SELECT count(*) FROM webhooks.operational_event WHERE type = 'stream.epoch_raised'";

    [Fact]
    public async Task Start_OnAnotherTimeline_RaisesBehindTheHead_AndNumbersGoOn()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var first = await Platform.StartAsync();
        var (application, endpoint) = await first.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 3; i++) await first.PublishAsync(application);
        var before = await first.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3);
        Assert.Equal((1, 1L), (before.Epoch, before.EpochStart));
        await first.StopAsync();
        await first.ExecuteAsync(FailOver);

        await using var second = await Platform.StartAsync(connectionString: first.ConnectionString);
        await second.PublishAsync(application);
        var after = await second.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 4);
        Assert.True(after.Epoch > 1);
        Assert.Equal(4, after.EpochStart);
        Assert.Equal(1L, await second.ScalarAsync<long>(Raises));
        Assert.Contains($"\"epoch\":{after.Epoch},\"seq\":4", (await receiver.WaitForAsync(4))[3].Text);
        Assert.Equal("timeline_changed", await second.ScalarAsync<string>("SELECT data->>'change' FROM webhooks.operational_event WHERE type = 'stream.epoch_raised'"));
    }

    [Fact]
    public async Task Sequence_DatabaseChangedUnderARunningNode_RaisesBeforeItNumbers()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var (sequencer, bucket) = (platform.Get<Sequencer>(), WebhookApplications.Bucket(application));
        await SequenceAsync(platform, application, 2);
        await platform.ExecuteAsync(FailOver);
        await platform.PublishAsync(application);

        var batch = await sequencer.RunOnceAsync(bucket, default);
        Assert.Equal((0, true), (batch.Deliveries, batch.More));
        var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((2L, 3L), (stream.Head, stream.EpochStart));
        Assert.Equal(1, (await sequencer.RunOnceAsync(bucket, default)).Deliveries);
        Assert.Equal(1L, await platform.ScalarAsync<long>(Raises));
    }

    [Fact]
    public async Task Raise_ManyNodesNoticeAtOnce_OnlyOneDoesIt()
    {
        await using var first = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await first.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await SequenceAsync(first, application, 1);
        await using var second = await Platform.StartAsync(connectionString: first.ConnectionString, worker: false);
        await first.ExecuteAsync(FailOver);

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async n =>
        {
            var platform = n % 2 == 0 ? first : second;
            await using var connection = await platform.Get<WebhookDatabase>().OpenAsync(default);
            await platform.Get<EpochGuard>().CheckAsync(connection, default);
        }));

        Assert.Equal(1L, await first.ScalarAsync<long>(Raises));
        var stream = await first.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal(await first.ScalarAsync<int>("SELECT epoch FROM webhooks.database_identity"), stream.Epoch);
    }

    [Fact]
    public async Task Connect_AfterTheDatabaseChanged_RaisesBeforeTheConnectionIsUsed()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.ExecuteAsync(FailOver);
        await platform.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        await Platform.UntilAsync(async () =>
        {
            try
            {
                return (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Epoch > 1;
            }
            catch (NpgsqlException)
            {
                // A broken connection was still in the pool.
                return false;
            }
        }, "the epoch is raised");
        Assert.Equal(1L, await platform.ScalarAsync<long>(Raises));
    }

    [Fact]
    public async Task Pump_WithALeaseOfBefore_IsGivenNothingAndSettlesNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await SequenceAsync(platform, application, 2);
        var lease = Assert.Single(await platform.ClaimAsync(10));
        await platform.Get<IWebhookDispatcherAdministration>().RaiseEpochAsync("rehearsal");
        await SequenceAsync(platform, application, 1);

        Assert.Empty((await platform.Get<ReadAhead>().ReadAsync(lease, 0, 0, 100, default)).Items);
        Assert.False(await platform.Get<Settler>().SettleAsync(lease, new Settlement(0, [new SettledRun(1, 2, "delivered")], 2, []), forgetFailures: false));
        Assert.Equal(0, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);
    }

    [Fact]
    public async Task Feed_RequestThatBeganBefore_StatesNoNewEventAsOfTheOldEpoch()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await SequenceAsync(platform, application, 2);
        var row = await platform.Get<StreamControl>().ReadAsync(endpoint.Id, default);
        // As read from the server before, which had numbered one more.
        var before = row with { Status = row.Status with { Head = 3 } };
        await platform.Get<IWebhookDispatcherAdministration>().RaiseEpochAsync("rehearsal");
        await SequenceAsync(platform, application, 1);
        var read = await platform.Get<FeedReader>().ReadAsync(before, 0, 100, byReceiver: true, default);
        Assert.NotEqual(before.Status.Epoch, read.Stream.Epoch);
        Assert.Equal(3, read.Items!.Count);
    }

    [Fact]
    public async Task Raise_CursorBeyondTheHead_IsTakenBack()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await SequenceAsync(platform, application, 2);
        // A node settles, on the promoted standby, what it had read from the server before.
        var lease = Assert.Single(await platform.ClaimAsync(10));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, new Settlement(0, [new SettledRun(1, 5, "delivered")], 5, []), forgetFailures: false));
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET feed_served = 5");

        var raised = await platform.Get<IWebhookDispatcherAdministration>().RaiseEpochAsync("rehearsal");
        Assert.Equal((1, 1), (raised.Streams, raised.CursorsTakenBack));
        var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((2L, 2L, 3L, raised.Epoch), (stream.Head, stream.Cursor, stream.EpochStart, stream.Epoch));
        Assert.Equal(2L, await platform.ScalarAsync<long>("SELECT feed_served FROM webhooks.delivery_state"));
    }

    [Fact]
    public async Task Sequence_BatchNumbersOfALostHistoryComeAgain_HeadsAreReadAnew()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await using var other = await Platform.StartAsync(connectionString: platform.ConnectionString, worker: false);
        for (var i = 0; i < 3; i++) await SequenceAsync(platform, application, 1);
        // The last batch is lost, and another node numbers one in its place: this node remembers the same batch number, and another head.
        await platform.ExecuteAsync(
            "DELETE FROM webhooks.delivery_run WHERE seq = 3; DELETE FROM webhooks.sequencer_batch WHERE (bucket, batch) = (SELECT bucket, max(batch) FROM webhooks.sequencer_batch GROUP BY bucket ORDER BY 2 DESC LIMIT 1); "
            + FailOver);
        await SequenceAsync(other, application, 0);
        await SequenceAsync(platform, application, 1);
        Assert.Equal([1L, 2L, 3L, 4L], await platform.ListAsync<long>("SELECT seq FROM webhooks.delivery ORDER BY seq"));
        Assert.Equal(4, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
    }

    /// <summary>A database that is put back without anybody noticing, and another node's batch in the place of the last: a number from the middle of it is not given again.</summary>
    [Fact]
    public async Task Sequence_BatchNumberComesAgainInTheSameEpoch_HeadsAreReadAnew()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await using var other = await Platform.StartAsync(connectionString: platform.ConnectionString, worker: false);
        for (var i = 0; i < 2; i++) await SequenceAsync(platform, application, 1);
        await platform.ExecuteAsync(
            "DELETE FROM webhooks.event WHERE position = (SELECT position FROM webhooks.delivery WHERE seq = 2); DELETE FROM webhooks.delivery_run WHERE seq = 2; "
            + "DELETE FROM webhooks.sequencer_batch WHERE (bucket, batch) = (SELECT bucket, max(batch) FROM webhooks.sequencer_batch GROUP BY bucket ORDER BY 2 DESC LIMIT 1)");
        await SequenceAsync(other, application, 3);
        await SequenceAsync(platform, application, 1);
        Assert.Equal([1L, 2L, 3L, 4L, 5L], await platform.ListAsync<long>("SELECT seq FROM webhooks.delivery ORDER BY seq"));
        Assert.Equal(5, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
    }

    // Regression: after pg_restore into a new cluster, whose transaction ids begin at the bottom, every gap was looked for in every batch for ever.
    [Fact]
    public async Task Raise_GapsOfAClusterWhoseTransactionsWereFurther_AreForgotten()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await SequenceAsync(platform, application, 1);
        await using (var rolledBack = await platform.Data.OpenConnectionAsync())
        await using (var transaction = await rolledBack.BeginTransactionAsync())
            await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "gone", "1"), transaction);
        await SequenceAsync(platform, application, 1);
        const string Gaps = "SELECT max(cardinality(gap_first)) FROM (SELECT DISTINCT ON (bucket) gap_first FROM webhooks.sequencer_batch ORDER BY bucket, batch DESC) newest";
        await platform.ExecuteAsync("UPDATE webhooks.sequencer_batch SET gap_horizon = array_fill(1000000000000, ARRAY[cardinality(gap_horizon)]) WHERE cardinality(gap_horizon) > 0");
        Assert.Equal(1, await platform.ScalarAsync<int>(Gaps));
        await SequenceAsync(platform, application, 1);
        Assert.Equal(1, await platform.ScalarAsync<int>(Gaps));

        await platform.Get<IWebhookDispatcherAdministration>().RaiseEpochAsync("restored into a new cluster");
        await Platform.UntilAsync(
            async () =>
            {
                await SequenceAsync(platform, application, 1);
                return await platform.ScalarAsync<int>(Gaps) == 0;
            },
            "the gap is forgotten");
        var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal(stream.Head, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery"));
    }

    [Fact]
    public async Task Raise_TwiceWithinASecond_StillGrows()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var administration = platform.Get<IWebhookDispatcherAdministration>();
        var first = await administration.RaiseEpochAsync("once");
        Assert.True((await administration.RaiseEpochAsync("again")).Epoch > first.Epoch);
        await Assert.ThrowsAsync<WebhookValidationException>(() => administration.RaiseEpochAsync(" "));
    }

    [Fact]
    public async Task Raise_TenThousandStreams_TakesSeconds()
    {
        var streams = int.Parse(Environment.GetEnvironmentVariable("WEBHOOKS_TEST_STREAMS") ?? "10000", System.Globalization.CultureInfo.InvariantCulture);
        await using var platform = await Platform.StartAsync(worker: false);
        await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.ExecuteAsync($"""
            INSERT INTO webhooks.stream (endpoint, bucket, application, matching) SELECT n, n % 16, 1, true FROM generate_series(1000, 999 + {streams}) n;
            INSERT INTO webhooks.delivery_state (endpoint, bucket) SELECT n, n % 16 FROM generate_series(1000, 999 + {streams}) n;
            INSERT INTO webhooks.delivery (endpoint, seq, position, bucket) SELECT n, q, q, n % 16 FROM generate_series(1000, 999 + {streams}) n, generate_series(1, 3) q;
            INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor) SELECT n % 16, n, 1, 3, 'delivered', 3 FROM generate_series(1000, 999 + {streams}) n;
            """);
        var began = Stopwatch.StartNew();
        var raised = await platform.Get<IWebhookDispatcherAdministration>().RaiseEpochAsync("many");
        Console.WriteLine($"{streams} streams: {began.ElapsedMilliseconds} ms");
        Assert.Equal((streams + 1, 0), (raised.Streams, raised.CursorsTakenBack));
        Assert.InRange(began.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
        Assert.Equal(0L, await platform.ScalarAsync<long>($"SELECT count(*) FROM webhooks.stream WHERE endpoint >= 1000 AND (epoch, epoch_start) <> ({raised.Epoch}, 4)"));
    }

    private static async Task SequenceAsync(Platform platform, WebhookApplicationId application, int events)
    {
        for (var i = 0; i < events; i++) await platform.PublishAsync(application);
        while (await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default) is { Events: > 0 } or { More: true }) { }
    }
}
