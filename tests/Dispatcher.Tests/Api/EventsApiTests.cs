using System.Globalization;
using System.Text.Json.Nodes;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>Events over HTTP: taken, listed, read, expunged.</summary>
public class EventsApiTests
{
    private const string Body = """{"type":"order.paid","data":{"n":1}}""";

    [Fact]
    public async Task Publish_One_IsStoredWithItsDataByteForByte()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        const string Data = """{ "b" : 1.0e+2 ,"a":"\u00e4 \/ ä", "x":[ ] }""";
        var answer = await api.AskAsync(key, "POST", $"/applications/{application}/events", $$"""{"type":"order.paid", "data" : {{Data}} ,"dedupe_key":"k"}""");
        Assert.Equal((202, "accepted", false), (answer.Status, answer.Text("status"), answer.Body!["replayed"]!.GetValue<bool>()));
        Assert.True(WebhookEventId.TryParse(answer.Text("id"), out _));
        Assert.Equal([Data], await api.Platform.ListAsync<string>("SELECT convert_from(data, 'UTF8') FROM webhooks.event WHERE dedupe_key = 'k' AND type = 'order.paid'"));
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {key}");
        var read = await http.GetStringAsync(new Uri(api.Platform.Url, $"/v1/applications/{application}/events/{answer.Text("id")}"));
        Assert.Contains($"\"data\":{Data}", read, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"pending\"", read, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_FiftyTwinsWithOneIdempotencyKey_OneEventAndOneId()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => api.AskAsync(key, "POST", $"/applications/{application}/events", Body, "twin")));
        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.Single(answers.Select(answer => answer.Text("id")).Distinct());
        Assert.Equal(49, answers.Count(answer => answer.Body!["replayed"]!.GetValue<bool>()));
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    /// <summary>A process that is killed between the two would otherwise leave an event whose retry makes a second one.</summary>
    [Fact]
    public async Task Publish_WithIdempotencyKey_EventAndAnswerAreOfOneTransaction()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        var id = (await api.AskAsync(key, "POST", $"/applications/{application}/events", Body, "k")).Text("id");
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event e JOIN webhooks.api_answer a ON e.xmin = a.xmin"));
        // The answer cannot be stored: nor is the event.
        await api.Platform.ExecuteAsync(
            "CREATE FUNCTION webhooks.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; CREATE TRIGGER refuse BEFORE UPDATE ON webhooks.api_answer FOR EACH ROW EXECUTE FUNCTION webhooks.refuse()");
        Assert.Equal(500, (await api.AskAsync(key, "POST", $"/applications/{application}/events", Body, "other")).Status);
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
        await api.Platform.ExecuteAsync("DROP TRIGGER refuse ON webhooks.api_answer");
        Assert.NotEqual(id, (await api.AskAsync(key, "POST", $"/applications/{application}/events", Body, "other")).Text("id"));
    }

    [Theory]
    [InlineData("""{"data":1}""", "type")]
    [InlineData("""{"type":"a..b","data":1,"dedupe_key":""}""", "dedupe_key type")]
    [InlineData("""{"type":5,"colour":"red"}""", "colour data type")]
    public async Task Publish_WithWrongFields_NamesThemAll(string body, string fields)
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api, """{"name":"a","daily_quota":1}""");
        var answer = await api.AskAsync(key, "POST", $"/applications/{application}/events", body);
        Assert.Equal((422, "validation_failed"), (answer.Status, answer.Code));
        Assert.Equal(fields.Split(' '), answer.Fields);
        // And used up none of the quota.
        Assert.Equal(202, (await api.AskAsync(key, "POST", $"/applications/{application}/events", Body)).Status);
    }

    [Fact]
    public async Task Publish_LargestData_IsTaken_AndALargerOneNamed()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        Assert.Equal(202, (await api.AskAsync(key, "POST", $"/applications/{application}/events", $$"""{"type":"a","data":"{{new string('x', (512 * 1024) - 2)}}"}""")).Status);
        var larger = await api.AskAsync(key, "POST", $"/applications/{application}/events", $$"""{"type":"a","data":"{{new string('x', (512 * 1024) - 1)}}"}""");
        Assert.Equal((422, "data"), (larger.Status, Assert.Single(larger.Fields)));
        Assert.Equal(413, (await api.AskAsync(key, "POST", $"/applications/{application}/events", $$"""{"type":"a","data":"{{new string('x', 600 * 1024)}}"}""")).Status);
    }

    [Fact]
    public async Task Publish_Suspended_IsRefusedFromTheMomentOn_AndTakenAgainAfterwards()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        var events = $"/applications/{application}/events";
        Assert.Equal(202, (await api.AskAsync(key, "POST", events, Body)).Status);
        await api.AskAsync(key, "PATCH", $"/applications/{application}", """{"suspended":true}""");
        var refused = await api.AskAsync(key, "POST", events, Body);
        Assert.Equal((409, "application_suspended"), (refused.Status, refused.Code));
        var many = await api.AskAsync(key, "POST", events + "/batch", $$"""{"events":[{{Body}}]}""");
        Assert.Equal((207, "application_suspended"), (many.Status, many.Body!["data"]![0]!["code"]!.GetValue<string>()));
        await api.AskAsync(key, "PATCH", $"/applications/{application}", """{"suspended":false}""");
        Assert.Equal(202, (await api.AskAsync(key, "POST", events, Body)).Status);
    }

    [Fact]
    public async Task Batch_OfAllKinds_IsJudgedItemByItem()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api, """{"name":"a","daily_quota":2}""");
        var answer = await api.AskAsync(key, "POST", $"/applications/{application}/events/batch",
            $$"""{"events":[{{Body}},{"type":"","data":1},7,{{Body}},{"type":"a"},{{Body}}]}""");
        var data = (JsonArray)answer.Body!["data"]!;
        Assert.Equal(207, answer.Status);
        Assert.Equal(Enumerable.Range(0, 6), data.Select(one => one!["index"]!.GetValue<int>()));
        Assert.Equal(
            ["accepted", "validation_failed", "validation_failed", "accepted", "validation_failed", "quota_exceeded"],
            data.Select(one => (one!["code"] ?? one["status"])!.GetValue<string>()));
        Assert.Equal(["type", "event", "data"], new[] { 1, 2, 4 }.Select(i => ((JsonObject)data[i]!["details"]!).Single().Key));
        Assert.Equal(
            new[] { 0, 3 }.Select(i => data[i]!["id"]!.GetValue<string>()[4..]), await api.Platform.ListAsync<string>("SELECT replace(id::text, '-', '') FROM webhooks.event ORDER BY position"));
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(DISTINCT xmin::text) FROM webhooks.event"));
    }

    [Fact]
    public async Task Batch_AllGood_Is202_AndItsReplayIsTheSame()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        var body = $$"""{"events":[{{string.Join(',', Enumerable.Repeat(Body, 1000))}}]}""";
        var first = await api.AskAsync(key, "POST", $"/applications/{application}/events/batch", body, "k");
        Assert.Equal((202, 1000), (first.Status, ((JsonArray)first.Body!["data"]!).Count));
        Assert.Equal(first.Body.ToJsonString(), (await api.AskAsync(key, "POST", $"/applications/{application}/events/batch", body, "k")).Body!.ToJsonString());
        Assert.Equal(1000, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
        foreach (var wrong in new[] { """{"events":[]}""", """{"events":5}""", "{}", $$"""{"events":[{{string.Join(',', Enumerable.Repeat("1", 1001))}}]}""" })
            Assert.Equal((422, "events"), (await api.AskAsync(key, "POST", $"/applications/{application}/events/batch", wrong) is var answer ? answer.Status : 0, Assert.Single(answer!.Fields)));
    }

    [Fact]
    public async Task Quota_InTwoProcessesTogether_HoldsWithinFivePercent_AndSaysWhenItBeginsAnew()
    {
        var (one, other) = await ApiPlatform.StartTwoAtOneMomentAsync();
        await using var first = one;
        await using var second = other;
        var (key, application) = await BeginAsync(one, """{"name":"a","daily_quota":500}""");
        var answers = new List<ApiAnswer>();
        for (var i = 0; i < 14; i++)
            answers.AddRange(await Task.WhenAll(Enumerable.Range(0, 40).Select(n => (n % 2 == 0 ? one : other).AskAsync(key, "POST", $"/applications/{application}/events", Body))));
        Assert.InRange(answers.Count(answer => answer.Status == 202), 475, 500);
        Assert.Equal(answers.Count(answer => answer.Status == 202), await one.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
        var refused = answers.First(answer => answer.Status != 202);
        Assert.Equal((429, "quota_exceeded"), (refused.Status, refused.Code));
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture), 1, 86_400);
    }

    [Fact]
    public async Task Quota_RaisedAfterBatchesBeyondIt_GivesAllThatWasAdded()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api, """{"name":"a","daily_quota":20}""");
        var (path, batch) = ($"/applications/{application}/events/batch", $$"""{"events":[{{string.Join(',', Enumerable.Repeat(Body, 15))}}]}""");
        await api.AskAsync(key, "POST", path, batch);
        await api.AskAsync(key, "POST", path, batch);
        Assert.Equal(20, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
        Assert.Equal(20, await api.Platform.ScalarAsync<long>("SELECT used FROM webhooks.api_quota"));
        Assert.Equal(200, (await api.AskAsync(key, "PATCH", $"/applications/{application}", """{"daily_quota":30}""")).Status);
        await api.AskAsync(key, "POST", path, batch);
        Assert.Equal(30, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Fact]
    public async Task Event_ForeignOrAbsent_IsAnsweredAlike_AndNothingIsChanged()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (all, own) = await BeginAsync(api);
        var other = (await api.AskAsync(all, "POST", "/applications", """{"name":"other"}""")).Text("id");
        var id = (await api.AskAsync(all, "POST", $"/applications/{other}/events", Body)).Text("id");
        var endpoint = await api.Platform.Endpoints.CreateAsync(WebhookApplicationId.Parse(own), new EndpointSettings("http://127.0.0.1:9/"));
        var key = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(own) });
        var bound = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(own), Endpoint = endpoint.Id });
        var (absentApplication, absentEvent) = (WebhookApplicationId.New().Value, WebhookEventId.New().Value);
        foreach (var (method, foreign, absent, body) in new[]
        {
            ("POST", $"{other}/events", $"{absentApplication}/events", Body),
            ("POST", $"{other}/events/batch", $"{absentApplication}/events/batch", $$"""{"events":[{{Body}}]}"""),
            ("GET", $"{other}/events", $"{absentApplication}/events", null),
            ("GET", $"{other}/events/{id}", $"{absentApplication}/events/{id}", null),
            ("GET", $"{own}/events/{id}", $"{own}/events/{absentEvent}", null),
            ("POST", $"{other}/events/{id}/expunge", $"{absentApplication}/events/{id}/expunge", """{"reason":"r"}"""),
            ("POST", $"{own}/events/{id}/expunge", $"{own}/events/{absentEvent}/expunge", """{"reason":"r"}"""),
        })
        {
            var (first, second) = (await api.AskAsync(key, method, $"/applications/{foreign}", body), await api.AskAsync(key, method, $"/applications/{absent}", body));
            Assert.Equal((404, "not_found"), (first.Status, first.Code));
            first.Body!["error"]!["request_id"] = second.Body!["error"]!["request_id"]!.DeepClone();
            Assert.Equal(second.Body.ToJsonString(), first.Body.ToJsonString());
            // Events are not an endpoint's.
            Assert.Equal(404, (await api.AskAsync(bound, method, $"/applications/{foreign.Replace(other, own, StringComparison.Ordinal)}", body)).Status);
        }

        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event WHERE data <> ''"));
        Assert.Equal(404, (await api.AskAsync(all, "GET", $"/applications/{other}/events/nonsense")).Status);
        Assert.Equal(404, (await api.AskAsync(all, "GET", "/applications/nonsense/events")).Status);
    }

    /// <summary>What may be inside of the data is one rule, that of publishing: it was once stricter here.</summary>
    [Theory]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":[{"b":1,"b":{"c":1,"c":1}}]}""")]
    [InlineData("""{"\ud800":"\udc00"}""")]
    [InlineData("deep")]
    public async Task Publish_DataThatTheLibraryTakes_IsTakenHereAndStoredAsWritten(string data)
    {
        if (data == "deep") data = new string('[', 5_000) + new string(']', 5_000);
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        await api.Platform.PublishAsync(WebhookApplicationId.Parse(application), data);
        var single = await api.AskAsync(key, "POST", $"/applications/{application}/events", $$"""{"type":"a","data":{{data}}}""");
        var many = await api.AskAsync(key, "POST", $"/applications/{application}/events/batch", $$"""{"events":[{"type":"a","data":{{data}}}]}""");
        Assert.Equal((202, 202), (single.Status, many.Status));
        Assert.Equal([data, data, data], await api.Platform.ListAsync<string>("SELECT convert_from(data, 'UTF8') FROM webhooks.event"));
        // Around the data a name stands once.
        Assert.Equal(400, (await api.AskAsync(key, "POST", $"/applications/{application}/events", """{"type":"a","type":"b","data":1}""")).Status);
        Assert.Equal(400, (await api.AskAsync(key, "POST", $"/applications/{application}/events", """{"\ud800":"a","type":"b","data":1}""")).Status);
        var mixed = await api.AskAsync(key, "POST", $"/applications/{application}/events/batch", """{"events":[{"type":"a","type":"b","data":1},{"type":"a","data":1,"\udc00":1}]}""");
        Assert.Equal((207, "rejected", "rejected"), (mixed.Status, mixed.Body!["data"]![0]!["status"]!.GetValue<string>(), mixed.Body["data"]![1]!["status"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Read_SaysWhichKeyPublished()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        var id = await api.Platform.ScalarAsync<string>("SELECT id FROM webhooks.api_key");
        var own = await api.Platform.PublishAsync(WebhookApplicationId.Parse(application));
        var single = (await api.AskAsync(key, "POST", $"/applications/{application}/events", Body)).Text("id");
        var keyed = (await api.AskAsync(key, "POST", $"/applications/{application}/events", Body, "k")).Text("id");
        var many = (await api.AskAsync(key, "POST", $"/applications/{application}/events/batch", $$"""{"events":[{{Body}}]}""")).Body!["data"]![0]!["id"]!.GetValue<string>();
        foreach (var published in new[] { single, keyed, many })
            Assert.Equal(id, (await api.AskAsync(key, "GET", $"/applications/{application}/events/{published}")).Text("published_by"));
        Assert.Null((await api.AskAsync(key, "GET", $"/applications/{application}/events/{own}")).Body!["published_by"]);
    }

    /// <summary>Each holds a connection and counts against the quota: on another one of the same pool, all would wait for each other.</summary>
    [Fact]
    public async Task Publish_WithQuotaAndIdempotencyKey_NeedsNoMoreConnectionsThanCalls()
    {
        var database = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using var api = await ApiPlatform.StartAsync(connectionString: database + ";Maximum Pool Size=3");
        // So high that each call asks for a share of its own.
        var (key, application) = await BeginAsync(api, """{"name":"a","daily_quota":30}""");
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => api.AskAsync(key, "POST", $"/applications/{application}/events", Body, $"k{i}")));
        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
    }

    [Fact]
    public async Task Expunge_TakesTheDataAndNothingElse()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await BeginAsync(api);
        var path = $"/applications/{application}/events/{(await api.AskAsync(key, "POST", $"/applications/{application}/events", Body)).Text("id")}";
        Assert.Equal((422, "reason"), (await api.AskAsync(key, "POST", path + "/expunge", """{"reason":" "}""") is var blank ? blank.Status : 0, Assert.Single(blank!.Fields)));
        Assert.Equal(204, (await api.AskAsync(key, "POST", path + "/expunge", """{"reason":"asked for"}""")).Status);
        var read = (await api.AskAsync(key, "GET", path)).Body!;
        Assert.Equal((true, "asked for", null), (read["void"]!.GetValue<bool>(), read["reason"]!.GetValue<string>(), read["data"]));
        Assert.Equal("event.expunged", await api.Platform.ScalarAsync<string>("SELECT action FROM webhooks.audit WHERE target LIKE 'evt_%'"));
        Assert.True((await api.AskAsync(key, "GET", $"/applications/{application}/events")).Body!["data"]![0]!["void"]!.GetValue<bool>());
    }

    private static async Task<(string Key, string Application)> BeginAsync(ApiPlatform api, string body = """{"name":"a"}""")
    {
        var key = await api.KeyAsync();
        return (key, (await api.AskAsync(key, "POST", "/applications", body)).Text("id"));
    }
}
