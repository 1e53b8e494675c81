using System.Text.Json.Nodes;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Tests.Api;

public class AuditApiTests
{
    [Fact]
    public async Task List_SaysWhoDidWhat_PagedAndFiltered()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++) ids.Add((await api.AskAsync(key, "POST", "/applications", """{"name":"a"}""")).Text("id"));
        var change = await api.AskAsync(key, "PATCH", $"/applications/{ids[1]}", """{"name":"b"}""");
        var rows = Rows(await api.AskAsync(key, "GET", "/audit"));
        Assert.Equal(6, rows.Count);
        Assert.Equal("application.changed", rows[0]!["action"]!.GetValue<string>());
        Assert.Equal((ids[1], ids[1], change.Headers["X-Request-Id"]), (Text(rows[0], "target"), Text(rows[0], "application"), Text(rows[0], "request_id")));
        Assert.Equal(await api.Platform.ScalarAsync<string>("SELECT id FROM webhooks.api_key"), Text(rows[0], "key"));

        Assert.Equal(2, Rows(await api.AskAsync(key, "GET", $"/audit?target={ids[1]}")).Count);
        Assert.Single(Rows(await api.AskAsync(key, "GET", $"/audit?target={ids[1]}&action=application.created")));
        Assert.Equal(5, Rows(await api.AskAsync(key, "GET", "/audit?action=application.created")).Count);
        Assert.Empty(Rows(await api.AskAsync(key, "GET", "/audit?action=nothing.of.the.kind")));
        Assert.Equal("malformed_request", (await api.AskAsync(key, "GET", "/audit?action=")).Code);
        Assert.Equal("malformed_request", (await api.AskAsync(key, "GET", "/audit?target=%00")).Code);

        var first = await api.AskAsync(key, "GET", "/audit?limit=4");
        var second = await api.AskAsync(key, "GET", $"/audit?limit=4&cursor={first.Text("next")}");
        Assert.Equal(rows.ToJsonString(), new JsonArray([.. Rows(first).Concat(Rows(second)).Select(row => row!.DeepClone())]).ToJsonString());
        Assert.Equal(Rows(first).ToJsonString(), Rows(await api.AskAsync(key, "GET", $"/audit?limit=4&cursor={second.Text("previous")}")).ToJsonString());
    }

    [Fact]
    public async Task List_OfARareAction_WalksPastNoOthers()
    {
        await using var api = await ApiPlatform.StartAsync();
        await api.Platform.ExecuteAsync(
            """
            INSERT INTO webhooks.audit (organization, application, api_key, action, target, request_id)
            SELECT 1, 1, 'key', CASE i WHEN 1 THEN 'rare' WHEN 20000 THEN 'rare' ELSE 'common' END, 'it', 'req' FROM generate_series(1, 20000) i
            """);
        var database = api.Platform.Get<WebhookDatabase>();
        await using var connection = await database.OpenAsync(default);
        foreach (var (query, from) in new[] { ("Api/list_audit", long.MaxValue), ("Api/list_newer_audit", 0L) })
            foreach (var (application, target) in new (long?, string?)[] { (null, null), (1, null), (null, "it"), (1, "it") })
            {
                await using var command = database.Command(connection, query, 1L, application, from, 51, "rare", target);
                command.CommandText = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + command.CommandText;
                await using var reader = await command.ExecuteReaderAsync();
                var plan = "";
                while (await reader.ReadAsync()) plan += reader.GetString(0) + "\n";
                Assert.DoesNotContain("Rows Removed by Filter", plan, StringComparison.Ordinal);
            }
    }

    [Fact]
    public async Task Rows_OfWhateverAnApplicationHas_AreTheApplications()
    {
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var key = (await world.KeyAsync()).Key;
        var expunge = $"/applications/{world.Application}/events/{world.Ids["event"]}/expunge";
        foreach (var (path, body) in new[] { ($"/endpoints/{world.Ids["endpoint"]}/pause", "{}"), ($"/tasks/{world.Ids["task"]}/cancel", "{}"), (expunge, """{"reason":"asked for"}""") })
        {
            var answer = await api.AskAsync(key, "POST", path, body);
            Assert.True(answer.Status is >= 200 and < 300, $"{path}: {answer.Body?.ToJsonString()}");
        }

        Assert.Equal(204, (await api.AskAsync(key, "DELETE", $"/keys/{world.Ids["key"]}")).Status);
        var rows = Rows(await api.AskAsync(key, "GET", "/audit"));
        Assert.True(rows.Count >= 4, rows.ToJsonString());
        Assert.All(rows, row => Assert.Equal(world.Application.Value, Text(row, "application")));
    }

    [Fact]
    public async Task List_ByAKeyThatIsBound_ShowsItsOwnOnly()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (own, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var other = await api.Platform.Applications.CreateAsync("other");
        var all = await api.KeyAsync();
        var bound = await api.KeyAsync(settings => settings with { Application = own });
        var tight = await api.KeyAsync(settings => settings with { Application = own, Endpoint = endpoint.Id });
        foreach (var application in new[] { own, other }) await api.AskAsync(all, "PATCH", $"/applications/{application}", """{"name":"b"}""");
        foreach (var binding in new[] { "", $@",""application"":""{own}""", $@",""application"":""{other}""" })
            Assert.Equal(201, (await api.AskAsync(all, "POST", "/keys", $$"""{"name":"a","scopes":["audit:read"]{{binding}}}""")).Status);
        Assert.Equal(201, (await api.AskAsync(bound, "POST", "/keys", """{"name":"a","scopes":["audit:read"]}""")).Status);

        Assert.Equal(6, Rows(await api.AskAsync(all, "GET", "/audit")).Count);
        var seen = Rows(await api.AskAsync(bound, "GET", "/audit"));
        Assert.Equal(["key.created", "key.created", "application.changed"], seen.Select(row => Text(row, "action")));
        Assert.All(seen, row => Assert.Equal(own.Value, Text(row, "application")));
        Assert.Empty(Rows(await api.AskAsync(bound, "GET", $"/audit?target={other}")));
        Assert.Empty(Rows(await api.AskAsync(tight, "GET", "/audit")));
        Assert.Empty(Rows(await api.AskAsync(tight, "GET", $"/audit?target={own}")));
    }

    private static JsonArray Rows(ApiAnswer answer) => (JsonArray)answer.Body!["data"]!;

    private static string Text(JsonNode? row, string field) => row![field]!.GetValue<string>();
}
