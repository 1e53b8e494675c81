using System.Text.Json.Nodes;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Tests.Api;

public class EndpointsApiTests
{
    private const string Url = "https://example.com/hooks";

    [Fact]
    public async Task Create_ThenReadAndList_AnswersTheSameAndTheSecretOnlyOnce()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var created = await api.AskAsync(key, "POST", $"/applications/{application}/endpoints",
            """
            {"url":"https://example.com/hooks","event_types":["invoice.*"],"description":"billing","failure_threshold":5,"max_in_flight":1,"rate_limit":50,
             "batch":{"max_events":10,"max_wait_ms":250},"receiver_access":"feed","since":"2026-01-01T00:00:00Z"}
            """);
        Assert.Equal(201, created.Status);
        var secret = WebhookSecret.Parse(created.Text("secret"));
        var id = created.Text("id");
        var shown = (JsonObject)created.Body!.DeepClone();
        shown.Remove("secret");
        var read = await api.AskAsync(key, "GET", $"/endpoints/{id}");
        Assert.Equal(shown.ToJsonString(), read.Body!.ToJsonString());
        Assert.Equal(shown.ToJsonString(), Assert.Single(Data(await api.AskAsync(key, "GET", $"/applications/{application}/endpoints")))!.ToJsonString());
        Assert.Equal(
            [application, Url, "invoice.*", "billing", "5", "strict", "50", "10", "250", "524288", "feed", "active", secret.Fingerprint],
            new[] { "application", "url", "event_types.0", "description", "failure_threshold", "ordering", "rate_limit", "batch.max_events", "batch.max_wait_ms",
                "batch.max_bytes", "receiver_access", "status", "secrets.0.fingerprint" }.Select(path => At(read.Body, path)));
        Assert.Null(read.Body["pause"]);
        Assert.Null(read.Body["secrets"]![0]!["expires_at"]);
        Assert.Equal("endpoint.created", await api.Platform.ScalarAsync<string>($"SELECT action FROM webhooks.audit WHERE target = '{id}'"));
        Assert.True(await api.Platform.ScalarAsync<bool>("SELECT since = '2026-01-01T00:00:00Z' FROM webhooks.endpoint_change"));
    }

    [Fact]
    public async Task Create_AllFieldsWrong_NamesEachAndStoresNothing()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var answer = await api.AskAsync(key, "POST", $"/applications/{application}/endpoints",
            """
            {"url":"ftp://example.com","event_types":["a..b"],"description":7,"failure_threshold":0,"ordering":"loose","max_in_flight":"many","rate_limit":0.5,
             "batch":{"max_events":0,"colour":"red"},"receiver_access":"all","since":"yesterday","secret":"whsec_short","colour":"red"}
            """);
        Assert.Equal((422, "validation_failed"), (answer.Status, answer.Code));
        Assert.Equal(
            ["batch.colour", "batch.max_events", "colour", "description", "event_types", "failure_threshold", "max_in_flight", "ordering", "rate_limit", "receiver_access",
                "secret", "since", "url"],
            answer.Fields);
        Assert.DoesNotContain("short", answer.Body!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(["url"], (await api.AskAsync(key, "POST", $"/applications/{application}/endpoints", "{}")).Fields);
        Assert.Equal(["batch"], (await api.AskAsync(key, "POST", $"/applications/{application}/endpoints", $$"""{"batch":{},"ordering":"relaxed","url":"{{Url}}"}""")).Fields);
        Assert.Equal(0, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint"));
    }

    [Fact]
    public async Task Create_WithAnIdempotencyKey_GivesTheSameEndpointAndSecretAgain_EncryptedAtRest()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => api.AskAsync(key, "POST", $"/applications/{application}/endpoints", $$"""{"url":"{{Url}}"}""", "once")));
        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Single(answers.Select(answer => answer.Body!.ToJsonString()).Distinct());
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint"));
        Assert.Equal(0, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.api_answer WHERE position('whsec_'::bytea IN body) > 0"));
    }

    [Fact]
    public async Task Create_SameUrlByManyAtOnce_OneIs201AndTheOthers409WithItsId()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => CreateAsync(api, key, application)));
        var id = Assert.Single(answers, answer => answer.Status == 201).Text("id");
        Assert.All(answers.Where(answer => answer.Status != 201), answer =>
        {
            Assert.Equal((409, "endpoint_exists"), (answer.Status, answer.Code));
            Assert.Equal(id, At(answer.Body!, "error.details.endpoint.0"));
        });

        // Another application may have it, and so may this one once the endpoint is deleted.
        var (_, second) = await ApplicationAsync(api);
        Assert.Equal(201, (await CreateAsync(api, key, second)).Status);
        Assert.Equal(204, (await api.AskAsync(key, "DELETE", $"/endpoints/{id}")).Status);
        Assert.Equal(201, (await CreateAsync(api, key, application)).Status);
    }

    [Fact]
    public async Task Change_WhatIsLeftOutStays_NullIsTheDefault_AndTwoAtOnceLoseNothing()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var id = (await CreateAsync(api, key, application, more: ""","description":"old","rate_limit":5,"batch":{"max_events":7,"max_bytes":2048}""")).Text("id");
        var changes = new[] { """{"description":"new"}""", """{"rate_limit":null}""", """{"failure_threshold":9}""", """{"batch":{"max_events":8}}""", """{"event_types":["a.**"]}""" };
        Assert.All(await Task.WhenAll(changes.Select(change => api.AskAsync(key, "PATCH", $"/endpoints/{id}", change))), answer => Assert.Equal(200, answer.Status));
        var read = (await api.AskAsync(key, "GET", $"/endpoints/{id}")).Body!;
        Assert.Equal(
            ["new", null, "9", "8", "2048", "a.**", Url],
            new[] { "description", "rate_limit", "failure_threshold", "batch.max_events", "batch.max_bytes", "event_types.0", "url" }.Select(path => At(read, path)));
        var cleared = (await api.AskAsync(key, "PATCH", $"/endpoints/{id}", """{"batch":null,"event_types":null,"failure_threshold":null,"description":null}""")).Body!;
        Assert.Equal([null, "**", "3", ""], new[] { "batch", "event_types.0", "failure_threshold", "description" }.Select(path => At(cleared, path)));

        var refused = await api.AskAsync(key, "PATCH", $"/endpoints/{id}", """{"url":null,"secret":"whsec_x","failure_threshold":101}""");
        Assert.Equal((422, "failure_threshold,secret,url"), (refused.Status, string.Join(',', refused.Fields)));
        var audit = await api.Platform.ListAsync<string>("SELECT details::text FROM webhooks.audit WHERE action = 'endpoint.changed'");
        Assert.Contains("""{"fields": ["description"]}""", audit);
    }

    [Fact]
    public async Task Change_OfTheUrlToOneThatIsTaken_Is409_AndAKeyOfOneEndpointIsNotToldOfTheOther()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var (first, second) = ((await CreateAsync(api, key, application)).Text("id"), (await CreateAsync(api, key, application, Url + "/2")).Text("id"));
        var refused = await api.AskAsync(key, "PATCH", $"/endpoints/{second}", $$"""{"url":"{{Url}}"}""");
        Assert.Equal(("endpoint_exists", first), (refused.Code, At(refused.Body!, "error.details.endpoint.0")));
        var bound = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(application), Endpoint = WebhookEndpointId.Parse(second) });
        refused = await api.AskAsync(bound, "PATCH", $"/endpoints/{second}", $$"""{"url":"{{Url}}"}""");
        Assert.Equal("endpoint_exists", refused.Code);
        Assert.DoesNotContain(first, refused.Body!.ToJsonString(), StringComparison.Ordinal);
        // Its own it may be given again.
        Assert.Equal(200, (await api.AskAsync(bound, "PATCH", $"/endpoints/{second}", $$"""{"url":"{{Url}}/2"}""")).Status);
        var both = await Task.WhenAll(new[] { first, second }.Select(id => api.AskAsync(key, "PATCH", $"/endpoints/{id}", $$"""{"url":"{{Url}}/3"}""")));
        Assert.Equal([200, 409], both.Select(answer => answer.Status).Order());
    }

    [Fact]
    public async Task List_ByStatusAndByPage_AnswersWhatIsAskedFor()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var ids = new List<string>();
        for (var i = 0; i < 5; i++) ids.Add((await CreateAsync(api, key, application, $"{Url}/{i}")).Text("id"));
        await api.AskAsync(key, "POST", $"/endpoints/{ids[1]}/pause");
        await api.AskAsync(key, "DELETE", $"/endpoints/{ids[4]}");
        var path = $"/applications/{application}/endpoints";
        Assert.Equal([ids[1]], Ids(await api.AskAsync(key, "GET", path + "?status=paused")));
        Assert.Equal([ids[3], ids[2], ids[0]], Ids(await api.AskAsync(key, "GET", path + "?status=active")));
        var first = await api.AskAsync(key, "GET", path + "?limit=3");
        Assert.Equal([ids[3], ids[2], ids[1]], Ids(first));
        var second = await api.AskAsync(key, "GET", $"{path}?limit=3&cursor={first.Text("next")}");
        Assert.Equal([ids[0]], Ids(second));
        Assert.Equal(Ids(first), Ids(await api.AskAsync(key, "GET", $"{path}?limit=3&cursor={second.Text("previous")}")));
        Assert.Equal(["status"], (await api.AskAsync(key, "GET", path + "?status=disabled")).Fields);
        var bound = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(application), Endpoint = WebhookEndpointId.Parse(ids[2]) });
        Assert.Equal([ids[2]], Ids(await api.AskAsync(bound, "GET", path)));
        Assert.Equal(403, (await CreateAsync(api, bound, application, Url + "/more")).Status);
    }

    /// <summary>Of another application, of another organization, deleted, of no id's form, or not there: all the same.</summary>
    [Fact]
    public async Task Any_OfWhatTheKeyMayNotSee_Is404LikeWhatIsAbsent_AndChangesNothing()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (all, application) = await ApplicationAsync(api);
        var (_, other) = await ApplicationAsync(api);
        var own = (await CreateAsync(api, all, application)).Text("id");
        var foreign = (await CreateAsync(api, all, other)).Text("id");
        var deleted = (await CreateAsync(api, all, application, Url + "/deleted")).Text("id");
        await api.AskAsync(all, "DELETE", $"/endpoints/{deleted}");
        var sibling = (await CreateAsync(api, all, application, Url + "/sibling")).Text("id");
        var ofApplication = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(application) });
        var ofEndpoint = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(application), Endpoint = WebhookEndpointId.Parse(own) });
        var absent = WebhookEndpointId.New().Value;
        var before = await api.Platform.ListAsync<string>("SELECT row(e, s)::text FROM webhooks.endpoint e JOIN webhooks.delivery_state s USING (endpoint) ORDER BY endpoint");
        foreach (var (method, path, body) in Calls)
        {
            var expected = await api.AskAsync(ofApplication, method, $"/endpoints/{absent}{path}", body);
            Assert.Equal((404, "not_found"), (expected.Status, expected.Code));
            foreach (var (key, id) in new[] { (ofApplication, foreign), (ofEndpoint, sibling), (ofApplication, "ep_x"), (all, path == "/events" ? absent : deleted) })
            {
                var answer = await api.AskAsync(key, method, $"/endpoints/{id}{path}", body);
                answer.Body!["error"]!["request_id"] = expected.Body!["error"]!["request_id"]!.DeepClone();
                Assert.Equal((404, expected.Body.ToJsonString()), (answer.Status, answer.Body.ToJsonString()));
            }
        }

        foreach (var id in new[] { other, WebhookApplicationId.New().Value })
        {
            Assert.Equal("not_found", (await CreateAsync(api, ofApplication, id, Url + "/x")).Code);
            Assert.Equal("not_found", (await api.AskAsync(ofApplication, "GET", $"/applications/{id}/endpoints")).Code);
        }

        Assert.Equal("endpoint_deleted", (await api.AskAsync(all, "GET", $"/endpoints/{deleted}/events")).Code);
        Assert.Equal(before, await api.Platform.ListAsync<string>("SELECT row(e, s)::text FROM webhooks.endpoint e JOIN webhooks.delivery_state s USING (endpoint) ORDER BY endpoint"));
    }

    [Fact]
    public async Task Any_WithoutTheScope_Is403AndNamesIt()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (all, application) = await ApplicationAsync(api);
        var id = (await CreateAsync(api, all, application)).Text("id");
        foreach (var (method, path, body) in Calls)
        {
            var scope = method != "GET" ? WebhookApiScopes.EndpointsWrite : path == "/events" ? WebhookApiScopes.EventsRead : WebhookApiScopes.EndpointsRead;
            var key = await api.KeyAsync(settings => settings with { Scopes = [.. WebhookApiScopes.All.Where(one => one != scope)] });
            var answer = await api.AskAsync(key, method, $"/endpoints/{id}{path}", body);
            Assert.Equal((403, "forbidden"), (answer.Status, answer.Code));
            Assert.Contains(scope, At(answer.Body!, "error.details.scope.0"), StringComparison.Ordinal);
        }
    }

    private static readonly (string Method, string Path, string? Body)[] Calls =
    [
        ("GET", "", null), ("PATCH", "", "{}"), ("DELETE", "", null), ("POST", "/pause", null), ("POST", "/resume", "{}"), ("POST", "/skip", """{"seq":1}"""),
        ("POST", "/replay", """{"first":1,"last":1}"""), ("POST", "/rotate-secret", "{}"), ("POST", "/revoke-secret", """{"fingerprint":"00000000"}"""),
        ("GET", "/stream", null), ("GET", "/events", null),
    ];

    internal static async Task<(string Key, string Application)> ApplicationAsync(ApiPlatform api)
    {
        var key = await api.KeyAsync();
        return (key, (await api.AskAsync(key, "POST", "/applications", """{"name":"Acme"}""")).Text("id"));
    }

    internal static Task<ApiAnswer> CreateAsync(ApiPlatform api, string key, string application, string url = Url, string more = "") =>
        api.AskAsync(key, "POST", $"/applications/{application}/endpoints", $$"""{"url":"{{url}}"{{more}}}""");

    /// <summary>What stands at a path of names and places; null for null.</summary>
    internal static string? At(JsonNode body, string path)
    {
        JsonNode? node = body;
        foreach (var step in path.Split('.')) node = node is JsonArray array ? array[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)] : node![step];
        return node?.ToString();
    }

    private static JsonArray Data(ApiAnswer answer) => (JsonArray)answer.Body!["data"]!;

    private static IEnumerable<string> Ids(ApiAnswer answer) => Data(answer).Select(one => one!["id"]!.GetValue<string>());
}
