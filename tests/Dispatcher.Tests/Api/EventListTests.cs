using System.Globalization;
using System.Text.Json.Nodes;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>Where events are found again: in lists, and in the streams of their application.</summary>
public class EventListTests
{
    [Fact]
    public async Task List_PagedBothWays_MissesAndRepeatsNone()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application, id) = await BeginAsync(api);
        for (var i = 0; i < 25; i++) await api.Platform.PublishAsync(id, $"{i}", $"n.{i}");
        var first = await ListAsync(api, key, application, "limit=10");
        Assert.Equal((Names(15, 25), null), (first.Names, first.Previous));
        await api.Platform.PublishAsync(id, "25", "n.25");
        var second = await ListAsync(api, key, application, $"limit=10&cursor={first.Next}");
        Assert.Equal(Names(5, 15), second.Names);
        var third = await ListAsync(api, key, application, $"limit=10&cursor={second.Next}");
        Assert.Equal((Names(0, 5), null), (third.Names, third.Next));
        Assert.Equal(Names(5, 15), (await ListAsync(api, key, application, $"limit=10&cursor={third.Previous}")).Names);
        var back = await ListAsync(api, key, application, $"limit=10&cursor={second.Previous}");
        Assert.Equal(Names(15, 25), back.Names);
        var newest = await ListAsync(api, key, application, $"limit=10&cursor={back.Previous}");
        Assert.Equal((Names(25, 26), null), (newest.Names, newest.Previous));
        Assert.Equal(Names(15, 25), (await ListAsync(api, key, application, $"limit=10&cursor={newest.Next}")).Names);

        static string Names(int from, int to) => string.Join(' ', Enumerable.Range(from, to - from).Reverse().Select(n => $"n.{n}"));
    }

    [Fact]
    public async Task List_OfWhatIsRare_GoesOnFromWhereItStopped()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application, id) = await BeginAsync(api);
        await api.Platform.PublishAsync(id, type: "rare");
        for (var i = 0; i < 12; i++) await PublishManyAsync(api, id, 1000, "often");
        await api.Platform.PublishAsync(id, type: "rare");
        var (found, cursor, pages) = (new List<string>(), "", 0);
        do
        {
            var page = await ListAsync(api, key, application, $"limit=1&type=rare{cursor}");
            found.AddRange(page.Names.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            cursor = page.Next is null ? null : $"&cursor={page.Next}";
            if (pages++ > 0) Assert.NotNull(page.Previous);
        }
        while (cursor is not null);
        Assert.Equal((2, "rare rare"), (found.Count, string.Join(' ', found)));
        Assert.InRange(pages, 6, 8);
    }

    [Fact]
    public async Task List_BetweenTwoTimes_HasWhatWasPublishedThen()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application, id) = await BeginAsync(api);
        for (var i = 0; i < 9; i++) await api.Platform.PublishAsync(id, type: $"n.{i}");
        var times = await api.Platform.ListAsync<DateTime>("SELECT published_at FROM webhooks.event ORDER BY position");
        Assert.Equal("n.5 n.4 n.3", (await ListAsync(api, key, application, $"since={times[3]:O}&until={times[6]:O}")).Names);
        Assert.Equal("n.5", (await ListAsync(api, key, application, $"type=n.5&since={times[3]:O}")).Names);
        Assert.Equal("", (await ListAsync(api, key, application, $"until={times[0]:O}")).Names);
        Assert.Equal("", (await ListAsync(api, key, application, "since=2200-01-01T00:00:00Z")).Names);
        foreach (var wrong in new[] { "since=yesterday", "until=2026-13-01T00:00:00Z", "type=a..b", "cursor=n12", "limit=0", "type=", "since=" })
            Assert.Equal(400, (await api.AskAsync(key, "GET", $"/applications/{application}/events?{wrong}")).Status);
    }

    /// <summary>Events of many transactions that commit in another order than they drew their places: each is found where it was numbered.</summary>
    [Fact]
    public async Task Read_HoweverLateItWasCommitted_TellsItsSeqInEachStream()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application, id) = await BeginAsync(api);
        var (all, some) = (await EndpointAsync(api, id), await EndpointAsync(api, id, "some.**"));
        var (sequencer, bucket, random) = (api.Platform.Get<Sequencer>(), WebhookApplications.Bucket(id), new Random(5));
        await sequencer.RunOnceAsync(bucket, default);
        var open = new List<Npgsql.NpgsqlTransaction>();
        for (var i = 0; i < 60; i++)
        {
            var connection = await api.Platform.Data.OpenConnectionAsync();
            open.Add(await connection.BeginTransactionAsync());
            for (var n = random.Next(1, 4); n > 0; n--)
                await api.Platform.Publisher.PublishAsync(EventToPublish.FromJson(id, random.Next(2) == 0 ? "some.thing" : "other.thing", "1"), open[random.Next(open.Count)]);
            while (open.Count > random.Next(8) || (i == 59 && open.Count > 0))
            {
                var one = open[random.Next(open.Count)];
                open.Remove(one);
                await using var owner = one.Connection!;
                await one.CommitAsync();
            }

            if (random.Next(2) == 0) await sequencer.RunOnceAsync(bucket, default);
        }

        await sequencer.RunOnceAsync(bucket, default);
        // One that begins in the past: its history is not in the order of the others' numbering.
        var history = await EndpointAsync(api, id, "some.**", DateTimeOffset.UtcNow.AddDays(-1));
        await api.Platform.PublishAsync(id, type: "some.last");
        while ((await sequencer.RunOnceAsync(bucket, default)).Events > 0) { }

        Assert.True(await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery WHERE displaced") > 10);
        var placed = await api.Platform.ListAsync<string>(
            """
            SELECT replace(e.id::text, '-', '') || ' ' || string_agg(p.id || ':' || d.seq, ' ' ORDER BY p.endpoint)
            FROM webhooks.event e JOIN webhooks.delivery d USING (bucket, position) JOIN webhooks.endpoint p ON p.endpoint = d.endpoint GROUP BY e.id
            """);
        Assert.True(placed.Count > 60);
        foreach (var expected in placed)
        {
            var read = (await api.AskAsync(key, "GET", $"/applications/{application}/events/evt_{expected.Split(' ')[0]}")).Body!;
            Assert.Equal("in_streams", read["status"]!.GetValue<string>());
            Assert.Equal(expected[33..], string.Join(' ', ((JsonArray)read["streams"]!).Select(one => $"{one!["endpoint"]}:{one["seq"]}")));
        }

        Assert.Contains(placed, one => one.Contains(all, StringComparison.Ordinal) && one.Contains(some, StringComparison.Ordinal) && one.Contains(history, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Read_TellsWhatBecameOfItInEachStream()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, application, id) = await BeginAsync(api);
        var taking = await api.Platform.Endpoints.CreateAsync(id, new EndpointSettings(receiver.Url.ToString()));
        var held = WebhookEndpointId.Parse(await EndpointAsync(api, id, "held.**"));
        await api.Platform.Endpoints.PauseAsync(held);
        var ids = new List<WebhookEventId>();
        for (var i = 0; i < 20; i++) ids.Add(await api.Platform.PublishAsync(id, type: i < 2 ? "held.a" : "b"));
        var duplicate = EventToPublish.FromJson(id, "b", "1") with { DedupeKey = "k" };
        ids.Add(await api.Platform.Publisher.PublishAsync(duplicate));
        ids.Add(await api.Platform.Publisher.PublishAsync(duplicate));
        await api.Platform.WaitForStreamAsync(taking.Id, stream => stream.Cursor == 21);
        await api.Platform.Endpoints.SkipAsync(held, 1);
        for (var i = 0; i < 21; i++) Assert.Equal(i switch { 0 => "delivered skipped", 1 => "delivered held", _ => "delivered" }, await StatusAsync(ids[i]));
        var last = (await api.AskAsync(key, "GET", $"/applications/{application}/events/{ids[21]}")).Body!;
        Assert.Equal(("duplicate", ids[20].Value), (last["status"]!.GetValue<string>(), last["duplicate_of"]!.GetValue<string>()));

        // Back and forth again: what was settled before stays so, what lies ahead is to come.
        await api.Platform.Endpoints.PauseAsync(taking.Id);
        await api.Platform.Endpoints.ResumeAsync(taking.Id, 10);
        await api.Platform.WaitForStreamAsync(taking.Id, stream => stream.Cursor == 21);
        for (var i = 0; i < 21; i++) Assert.StartsWith("delivered", await StatusAsync(ids[i]), StringComparison.Ordinal);
        await api.Platform.Endpoints.PauseAsync(taking.Id);
        await api.Platform.PublishAsync(id, type: "b");
        await api.Platform.WaitForStreamAsync(taking.Id, stream => stream.Head == 22);
        await api.Platform.Endpoints.ResumeAsync(held, 2);
        Assert.Equal("delivered skipped", await StatusAsync(ids[0]));

        async Task<string> StatusAsync(WebhookEventId which) => string.Join(
            ' ', ((JsonArray)(await api.AskAsync(key, "GET", $"/applications/{application}/events/{which}")).Body!["streams"]!).Select(one => one!["status"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData(true, "deferred", true, false, "active", "deferred", false)]
    [InlineData(false, "exhausted", true, false, "active", "exhausted", true)]
    [InlineData(false, "deferred", true, false, "active", "settled", true)]
    [InlineData(false, null, true, false, "active", "settled", true)]
    [InlineData(false, null, false, true, "paused", "delivered", true)]
    [InlineData(false, null, false, false, "paused", "held", false)]
    [InlineData(false, null, false, false, "deleted", "endpoint_deleted", true)]
    [InlineData(false, null, false, false, "active", "pending", false)]
    public void Standing_IsWhatBecameOfIt(bool deferred, string? outcome, bool passed, bool ahead, string endpoint, string status, bool settled) =>
        Assert.Equal((status, settled), EventStanding.Of(deferred, outcome, passed, ahead, endpoint));

    private static async Task<(string Key, string Application, WebhookApplicationId Id)> BeginAsync(ApiPlatform api)
    {
        var id = await api.Platform.Applications.CreateAsync("a");
        return (await api.KeyAsync(), id.Value, id);
    }

    private static async Task<string> EndpointAsync(ApiPlatform api, WebhookApplicationId application, string types = "**", DateTimeOffset? since = null) =>
        (await api.Platform.Endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/") { EventTypes = [types], Since = since })).Id.Value;

    private static async Task PublishManyAsync(ApiPlatform api, WebhookApplicationId application, int count, string type)
    {
        await using var connection = await api.Platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await api.Platform.Publisher.PublishAsync([.. Enumerable.Range(0, count).Select(_ => EventToPublish.FromJson(application, type, "1"))], transaction);
        await transaction.CommitAsync();
    }

    private static async Task<(string Names, string? Next, string? Previous)> ListAsync(ApiPlatform api, string key, string application, string query)
    {
        var answer = await api.AskAsync(key, "GET", $"/applications/{application}/events?{query}");
        Assert.True(answer.Status == 200, string.Create(CultureInfo.InvariantCulture, $"{answer.Status} {answer.Body}"));
        return (string.Join(' ', ((JsonArray)answer.Body!["data"]!).Select(one => one!["type"]!.GetValue<string>())),
            answer.Body["next"]?.GetValue<string>(), answer.Body["previous"]?.GetValue<string>());
    }
}
