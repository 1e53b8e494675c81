using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Statistics;
using Webhooks.Dispatcher.Tests.Api;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Statistics;

public class StatisticsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Statistics_OfAnEndpointThatFailsAndRecovers_AreItsAttemptsAndSettlements()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Statistics.Interval = Long;
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(20));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var answers = 0;
        receiver.Respond(_ => Interlocked.Increment(ref answers) is 3 or 4 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10, 30);
        // The operator steps back over two, and they are sent again.
        await platform.Endpoints.ResumeAsync(endpoint.Id, 8);
        await receiver.WaitForAsync(14);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10, 30);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 13);
        await platform.Endpoints.SkipAsync(endpoint.Id, 11);
        EndpointStatistics read = null!;
        // The last settlement is counted just after it can be seen.
        await Platform.UntilAsync(async () =>
        {
            await platform.Get<StatisticsWriter>().RunOnceAsync(default);
            return (read = await platform.Get<IWebhookStatistics>().GetAsync(endpoint.Id)).Total.Deliveries >= 12;
        }, "all deliveries are counted", 30);
        var total = read.Total;
        Assert.Equal((12, 14), (total.Deliveries, total.Attempts));
        Assert.Equal([KeyValuePair.Create("http_error", 2L)], total.Failures);
        Assert.Equal([KeyValuePair.Create("rewound", 2L), KeyValuePair.Create("skipped", 1L)], total.Settled.OrderBy(one => one.Key));
        Assert.True(total.Latency is { } latency && latency.P50 > TimeSpan.Zero && latency.P50 <= latency.P95 && latency.P95 <= latency.P99 && latency.P99 <= latency.Max);
        Assert.Equal((12, 14), (read.Spans.Sum(span => span.Deliveries), read.Spans.Sum(span => span.Attempts)));
        var present = read.Present;
        Assert.Equal((EndpointStatus.Paused, PauseReason.Manual, 2, 0), (present.Stream.Status, present.Stream.PauseReason, present.Backlog, present.Deferred));
        Assert.True(present.DeliveriesPerSecond > 0 && present.LastDeliveryAt is not null && present.OldestUndeliveredAge > TimeSpan.Zero);
        Assert.True(present.OldestUndeliveredAt > present.LastDeliveryAt);
    }

    [Fact]
    public async Task Stop_WithWhatWasCounted_WritesItDown_AndTwoProcessesAddUp()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var desk = await Platform.StartAsync(options => options.Statistics.Interval = Long, worker: false);
        var (application, endpoint) = await desk.AddEndpointAsync(receiver.Url);
        for (var process = 0; process < 2; process++)
        {
            await using var sender = await Platform.StartAsync(options => options.Statistics.Interval = Long, desk.ConnectionString);
            for (var i = 0; i < 5; i++) await sender.PublishAsync(application);
            await sender.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == (process + 1) * 5, 30);
            await sender.StopAsync();
        }

        var read = await desk.Get<IWebhookStatistics>().GetAsync(endpoint.Id, new StatisticsQuery { By = StatisticsSpan.Hour });
        Assert.Equal((10, 10), (read.Total.Deliveries, read.Total.Attempts));
    }

    [Fact]
    public async Task Write_TheSameMinuteManyTimes_AddsCountsAndLatencies_AndRollingUpLosesNothing()
    {
        await using var platform = await Platform.StartAsync(options => options.Statistics.Interval = Long, worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var key = await platform.ScalarAsync<long>("SELECT endpoint FROM webhooks.endpoint");
        var (tallies, writer) = (platform.Get<EndpointTallies>(), platform.Get<StatisticsWriter>());
        DateTimeOffset now = await platform.ScalarAsync<DateTime>("SELECT date_trunc('minute', clock_timestamp())");
        var old = now.AddHours(-50);
        var (good, bad) = (TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1));
        (DateTimeOffset, AttemptOutcome, TimeSpan)[] attempts =
        [
            (now, AttemptOutcome.Delivered, good), (now, AttemptOutcome.TimedOut, bad),
            (old, AttemptOutcome.Delivered, good), (old.AddMinutes(1), AttemptOutcome.Gone, bad), (old, AttemptOutcome.Delivered, good),
        ];
        foreach (var (at, outcome, duration) in attempts)
        {
            tallies.Attempted(key, new AttemptResult(outcome) { StartedAt = at, Duration = duration });
            Assert.Equal(1, await writer.RunOnceAsync(default));
        }

        var statistics = platform.Get<IWebhookStatistics>();
        var query = new StatisticsQuery { From = old.AddHours(-1), By = StatisticsSpan.Hour };
        var before = (await statistics.GetAsync(endpoint.Id, query)).Total;
        Assert.Equal((5, 1, 1), (before.Attempts, before.Failures["timed_out"], before.Failures["gone"]));
        await platform.Get<Maintenance>().RunOnceAsync(null, default);
        await platform.Get<Maintenance>().RunOnceAsync(null, default);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint_statistic"));
        Assert.InRange(await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint_statistic_hour"), 1, 2);
        var after = (await statistics.GetAsync(endpoint.Id, query)).Total;
        Assert.Equal((before.Attempts, before.Latency), (after.Attempts, after.Latency));
        Assert.Equal(before.Failures, after.Failures);
        Assert.Equal(2, (await statistics.GetAsync(endpoint.Id, new StatisticsQuery { From = old.AddHours(2) })).Total.Attempts);

        await platform.ExecuteAsync("UPDATE webhooks.endpoint_statistic_hour SET hour = hour - interval '90 days'");
        await platform.Get<Maintenance>().RunOnceAsync(null, default);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint_statistic_hour"));
    }

    [Fact]
    public async Task Write_DatabaseDidNotAnswer_KeepsWhatWasCountedForTheNextTime()
    {
        await using var platform = await Platform.StartAsync(options => options.Statistics.Interval = Long, worker: false);
        await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var (tallies, writer) = (platform.Get<EndpointTallies>(), platform.Get<StatisticsWriter>());
        tallies.Settled(1, "delivered", 3);
        await platform.ExecuteAsync("ALTER TABLE webhooks.endpoint_statistic RENAME TO away");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => writer.RunOnceAsync(default));
        await platform.ExecuteAsync("ALTER TABLE webhooks.away RENAME TO endpoint_statistic");
        tallies.Settled(1, "delivered", 4);
        await writer.RunOnceAsync(default);
        Assert.Equal(7, await platform.ScalarAsync<long>("SELECT sum((settled ->> 'delivered')::bigint)::bigint FROM webhooks.endpoint_statistic"));
    }

    [Fact]
    public async Task Expiry_OfHeldEvents_AndATakeFromTheFeed_AreCounted()
    {
        await using var platform = await Platform.StartAsync(options => options.Statistics.Interval = Long);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 5);
        await platform.Get<StreamControl>().RaiseFloorAsync(endpoint.Id, 3, default);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET pause_reason = 'failing'");
        Assert.True((await feed.ReadAsync(2)).Body.GetProperty("head").GetInt64() == 5);
        await feed.ResumeAsync(4);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.Get<StatisticsWriter>().RunOnceAsync(default);
        var total = (await platform.Get<IWebhookStatistics>().GetAsync(endpoint.Id)).Total;
        Assert.Equal([KeyValuePair.Create("expired", 2L), KeyValuePair.Create("taken_from_feed", 2L)], total.Settled.OrderBy(one => one.Key));
    }

    [Fact]
    public async Task Statistics_OverHttp_HaveTheDocumentedShape_AndRefuseWhatMakesNoSense()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(options => options.Statistics.Interval = TimeSpan.FromMilliseconds(50), worker: true);
        var (application, endpoint) = await api.Platform.AddEndpointAsync(receiver.Url);
        var key = await api.KeyAsync();
        var path = $"/endpoints/{endpoint.Id}/statistics";
        for (var i = 0; i < 4; i++) await api.Platform.PublishAsync(application);
        // The worker writes by itself.
        ApiAnswer answer = null!;
        await Platform.UntilAsync(
            async () => (answer = await api.AskAsync(key, "GET", path)).Body!["total"]!["deliveries"]!.GetValue<long>() == 4, "the statistics have all four", 30);
        Assert.Equal((200, "active"), (answer.Status, answer.Body!["present"]!["status"]!.GetValue<string>()));
        Assert.Equal(4, answer.Body["data"]!.AsArray().Sum(span => span!["attempts"]!.GetValue<long>()));
        Assert.Null(answer.Body["present"]!["oldest_undelivered_at"]);
        Assert.True(answer.Body["total"]!["latency_ms"]!["p50"]!.GetValue<double>() > 0);
        Assert.Equal(200, (await api.AskAsync(key, "GET", path + "?by=hour&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z")).Status);
        Assert.Equal((400, "by"), Of(await api.AskAsync(key, "GET", path + "?by=day")));
        Assert.Equal((400, "to"), Of(await api.AskAsync(key, "GET", path + "?to=now")));
        Assert.Equal((422, "from"), Of(await api.AskAsync(key, "GET", path + "?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z")));
        await api.Platform.Endpoints.DeleteAsync(endpoint.Id);
        Assert.Equal(404, (await api.AskAsync(key, "GET", path)).Status);
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => api.Platform.Get<IWebhookStatistics>().GetAsync(endpoint.Id));
    }

    private static (int, string) Of(ApiAnswer answer) => (answer.Status, string.Join(',', answer.Fields));
}
