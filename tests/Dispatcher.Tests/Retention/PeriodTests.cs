using System.Net;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Retention;

/// <summary>Promises 1 to 3 while periods come and go.</summary>
public class PeriodTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9/");

    [Fact]
    public async Task Periods_ComeAndGoWhileEventsFlow_NothingIsLostOrReorderedAndNoNumberMissing()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Retention.Keep = Years.Period * 3, services: null);
        var years = new Years(platform);
        var (application, first) = await platform.AddEndpointAsync(new Uri(receiver.Url, "/0"));
        var endpoints = new List<CreatedEndpoint> { first };
        for (var i = 1; i < 3; i++) endpoints.Add(await platform.Endpoints.CreateAsync(application, new EndpointSettings(new Uri(receiver.Url, $"/{i}").ToString())));
        var published = 0;
        using var done = new CancellationTokenSource();
        var publishing = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                await platform.PublishAsync(application);
                Interlocked.Increment(ref published);
                await Task.Delay(2);
            }
        })));

        for (var period = 1; period <= 8; period++)
        {
            await years.PassAsync(Years.Period);
            await years.PassAsync(TimeSpan.FromMinutes(1));
            // Whatever was there by now is delivered before its time is over, however slow the machine.
            var goal = Volatile.Read(ref published);
            await platform.WaitForStreamAsync(first.Id, stream => stream.Head > goal, 60);
            foreach (var endpoint in endpoints) await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor >= goal, 60);
        }

        await done.CancelAsync();
        await publishing;
        foreach (var endpoint in endpoints)
        {
            var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == published, 60);
            Assert.Equal(published, stream.Head);
            Assert.InRange(stream.Floor, 2, stream.Head + 1);
        }

        Assert.InRange((await years.PeriodsAsync())[0], 2, 8);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement WHERE outcome <> 'delivered'"));
        foreach (var path in receiver.Requests.GroupBy(request => request.Path))
            Assert.Equal(Enumerable.Range(1, published).Select(n => (long)n), path.Select(Wire.Seq).Distinct());
    }

    /// <summary>Where a stream stands does not depend on rows that are gone.</summary>
    [Fact]
    public async Task Drop_AllOfAStream_ItsCursorStandsAndItGoesOnAtTheNextNumber()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        await years.NextPeriodAsync();
        Assert.Equal(["event_p0", "event_p1", "event_p2"], await years.PartitionsAsync("event"));
        years.Now += Years.Keep;
        await years.DropAsync(1);
        foreach (var table in new[] { "event", "event_verdict", "delivery", "settlement", "attempt" })
            Assert.DoesNotContain($"{table}_p0", await years.PartitionsAsync(table));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement"));
        await platform.StopAsync();

        await using var restarted = await Platform.StartAsync(connectionString: platform.ConnectionString);
        var stream = await restarted.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((5, 5, 6), (stream.Head, stream.Cursor, stream.Floor));
        using var feed = new FeedClient(restarted, endpoint.Id, endpoint.Secret);
        var below = await feed.ReadAsync(0);
        Assert.Equal((HttpStatusCode.Gone, "range_expired", 6, 5), (below.Status, below.Code, below.Body.GetProperty("floor").GetInt64(), below.Body.GetProperty("head").GetInt64()));
        Assert.Empty((await feed.ReadAsync(5)).Seqs);
        await restarted.PublishAsync(application);
        await restarted.WaitForStreamAsync(endpoint.Id, stream => stream is { Head: 6, Cursor: 6 });
        Assert.Equal([1, 2, 3, 4, 5, 6], receiver.Requests.Select(Wire.Seq));
        Assert.Equal<long[]>([6], (await feed.ReadAsync(5)).Seqs);
        Assert.Equal(0, await restarted.ScalarAsync<long>("SELECT count(*) FROM webhooks.operational_event WHERE type LIKE 'stream.%'"));
    }

    [Fact]
    public async Task Publish_CommittedAfterItsPeriodEnded_IsNumberedAndKeptAsLongAsAny()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "late", "\"late\""), transaction);
        await platform.PublishAsync(application);
        await SequenceAsync(platform, application);
        await years.NextPeriodAsync();
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await SequenceAsync(platform, application);
        await transaction.CommitAsync();
        Assert.Contains(WebhookApplications.Bucket(application), await platform.Get<Sequencer>().FindPendingAsync([WebhookApplications.Bucket(application)], default));
        await SequenceAsync(platform, application);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var page = await feed.ReadAsync(0);
        Assert.Equal<long[]>([1, 2, 3, 4, 5], page.Seqs);
        Assert.Equal("late", page.Body.GetProperty("data")[4].GetProperty("type").GetString());
        Assert.Equal(["0:5"], await platform.ListAsync<string>("SELECT event_period || ':' || last_seq FROM webhooks.delivery_reach WHERE late_at IS NOT NULL"));

        // It was numbered a day after its period's end, and so the period is kept for a day longer.
        await platform.ExecuteAsync("UPDATE webhooks.delivery_reach SET late_at = (SELECT ended_at FROM webhooks.period WHERE period = 0) + interval '1 day'");
        await years.PassAsync(Years.Keep);
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Floor);
        await years.PassAsync(TimeSpan.FromDays(1));
        // All that was published before it is as old as it is.
        Assert.Equal(6, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Floor);
        await years.DropAsync(1);
        Assert.Empty((await feed.ReadAsync(5)).Seqs);
    }

    [Fact]
    public async Task Since_HistoryOfEndedPeriods_TheFloorRisesPeriodByPeriod()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        var application = await platform.Applications.CreateAsync("customer");
        for (var period = 0; period < 3; period++)
        {
            if (period > 0) await years.NextPeriodAsync();
            for (var i = 0; i < 4; i++) await platform.PublishAsync(application);
            await SequenceAsync(platform, application);
        }

        var settings = new EndpointSettings(Nowhere.ToString()) { Since = DateTimeOffset.UtcNow.AddDays(-1) };
        var endpoint = await platform.Endpoints.CreateAsync(application, settings);
        await SequenceAsync(platform, application);
        Assert.Equal(12, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
        years.Now += Years.Keep - Years.Period;
        await years.DropAsync(1);
        Assert.Equal(5, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Floor);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        Assert.Equal<long[]>([5, 6, 7, 8, 9, 10, 11, 12], (await feed.ReadAsync(4)).Seqs);

        // What is about to go is given to nobody new, though its rows are there until it is dropped.
        await years.PassAsync(Years.Period);
        await years.PassAsync(TimeSpan.Zero);
        Assert.Equal(1, (await years.PeriodsAsync())[0]);
        var later = await platform.Endpoints.CreateAsync(application, settings);
        await SequenceAsync(platform, application);
        Assert.Equal(4, (await platform.Endpoints.GetStreamAsync(later.Id)).Head);
    }

    [Fact]
    public async Task Worker_RetentionOfSeconds_DropsByItselfAndGoesOn()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Retention.Keep = TimeSpan.FromSeconds(3);
            options.Retention.Period = TimeSpan.FromSeconds(1);
            options.Retention.Interval = TimeSpan.FromMilliseconds(50);
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream is { Cursor: 1, Floor: 2 }, 60);
        await Platform.UntilAsync(async () => (await platform.ListAsync<int>("SELECT period FROM webhooks.period ORDER BY period"))[0] > 0, "the first period is gone", 60);
        Assert.DoesNotContain("event_p0", await new Years(platform).PartitionsAsync("event"));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream is { Cursor: 2, Head: 2 }, 60);
    }

    [Fact]
    public async Task Round_AnotherProcessIsAtIt_DoesNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using (var hold = new NpgsqlCommand("SELECT pg_advisory_lock(hashtext('\"webhooks\".period'), 0)", connection)) await hold.ExecuteNonQueryAsync();
        Assert.True((await platform.Get<Webhooks.Dispatcher.Retention.Maintenance>().RunOnceAsync(null, default)).Elsewhere);
        Assert.Equal([0], await new Years(platform).PeriodsAsync());
    }

    private static async Task SequenceAsync(Platform platform, WebhookApplicationId application)
    {
        while ((await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default)) is { Events: > 0 } or { More: true }) { }
    }
}
