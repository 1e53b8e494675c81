using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Tests.Retention;

/// <summary>Dropping waits for whoever is in the way, keeps nobody waiting, and is resumed where it was broken off.</summary>
public class DropTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9/");

    [Fact]
    public async Task Drop_OpenTransactionPublishedInThePeriod_WaitsForItAndItsEventIsNumbered()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "held", "1"), transaction);
        await years.NextPeriodAsync();
        years.Now += Years.Keep;
        var round = await years.RoundOnceAsync();
        Assert.Contains(Years.Writers, round.Waiting);
        Assert.Equal([0, 1, 2, 3], await years.PeriodsAsync());
        await platform.PublishAsync(application);

        await transaction.CommitAsync();
        round = await years.RoundAsync();
        Assert.Contains("not numbered yet", round.Waiting);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        await years.DropAsync(1);
        var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((2, 2, 1), (stream.Head, stream.Floor, stream.Cursor));
    }

    [Fact]
    public async Task Drop_OpenTransactionHoldsTheTable_IsResumedAfterItAndNoPublisherWaits()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        var (application, _) = await platform.AddEndpointAsync(Nowhere);
        await years.NextPeriodAsync();
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "held", "1"), transaction);
        await years.PassAsync(Years.Keep);
        var dropping = years.PassAsync(TimeSpan.FromHours(1));
        var published = 0;
        // One that waited for the drop would wait for the open transaction, which does not end before this loop does.
        for (; published == 0 || !dropping.IsCompleted; published++) await platform.PublishAsync(application).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("a lock", (await dropping).Waiting);
        Assert.Equal(["event_p0"], await platform.ListAsync<string>("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending").ContinueWith(
            list => list.Result.ConvertAll(name => name.Split('.')[^1]), TaskScheduler.Default));
        await platform.PublishAsync(application);
        await transaction.CommitAsync();
        await years.DropAsync(1);
        Assert.DoesNotContain("event_p0", await years.PartitionsAsync("event"));
        Assert.Equal(published + 2, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Theory]
    [InlineData("ALTER TABLE webhooks.delivery_run DETACH PARTITION webhooks.delivery_p0")]
    [InlineData("DROP TABLE webhooks.delivery_p0")]
    [InlineData("DROP TABLE webhooks.delivery_p0, webhooks.event_p0, webhooks.event_verdict_p0, webhooks.settlement_p0, webhooks.attempt_p0")]
    public async Task Drop_BrokenOff_IsResumedWhereItStood(string done)
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        await years.NextPeriodAsync();
        await years.PassAsync(Years.Keep);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.period WHERE floors_raised_at IS NOT NULL"));
        await platform.ExecuteAsync(done);
        await years.DropAsync(1);
        foreach (var table in new[] { "event", "event_verdict", "delivery", "settlement", "attempt" })
            Assert.DoesNotContain($"{table}_p0", await years.PartitionsAsync(table));
        Assert.DoesNotContain(0, await years.PeriodsAsync());
    }

    [Fact]
    public async Task Begin_BrokenOffAfterTheNumbersJumped_IsResumedAndEventsInBetweenAreKept()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        await years.RoundAsync();
        await platform.ExecuteAsync("SELECT webhooks.begin_numbers(1)");
        await platform.PublishAsync(application);
        var sequencer = platform.Get<Sequencer>();
        await sequencer.RunOnceAsync(WebhookApplications.Bucket(application), default);
        await years.NextPeriodAsync();
        await platform.PublishAsync(application);
        await sequencer.RunOnceAsync(WebhookApplications.Bucket(application), default);
        Assert.Equal(["0:1", "1:1"], await platform.ListAsync<string>("SELECT period || ':' || (position >> 40) FROM webhooks.delivery ORDER BY seq"));
        years.Now += Years.Keep;
        await years.DropAsync(1);
        var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((2, 2), (stream.Head, stream.Floor));
    }
}
