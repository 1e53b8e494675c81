using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>Event types over HTTP, and what they say of events.</summary>
public class EventTypesApiTests
{
    private const string Schema = """{"type":"object","required":["amount"],"properties":{"amount":{"type":"integer","minimum":0}}}""";

    [Fact]
    public async Task Types_AreRegisteredReadListedChangedAndArchived()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var created = await api.AskAsync(key, "POST", "/event-types", $$"""{"name":"invoice.paid","description":"Paid.","schema":{{Schema}},"example":{"amount":1} }""");
        Assert.Equal((201, 1, Schema), (created.Status, created.Body!["version"]!.GetValue<int>(), created.Body["schema"]!.ToJsonString()));
        var again = await api.AskAsync(key, "POST", "/event-types", """{"name":"invoice.paid"}""");
        Assert.Equal((409, "event_type_exists"), (again.Status, again.Code));

        var put = await api.AskAsync(key, "PUT", "/event-types/invoice.paid", """{"schema":{"type":"object"},"example":{"a":[1]}}""");
        Assert.Equal((200, 2, ""), (put.Status, put.Body!["version"]!.GetValue<int>(), put.Text("description")));
        Assert.Equal([1, 2], put.Body["versions"]!.AsArray().Select(version => version!["version"]!.GetValue<int>()));
        var back = await api.AskAsync(key, "PATCH", "/event-types/invoice.paid", """{"version":1,"deprecated":true,"deprecation_note":"Use invoice.settled."}""");
        Assert.Equal((200, 1, true, "Use invoice.settled."), (back.Status, back.Body!["version"]!.GetValue<int>(), back.Body["deprecated"]!.GetValue<bool>(), back.Text("deprecation_note")));
        Assert.NotNull(back.Body["deprecated_at"]);
        Assert.Equal(back.Body.ToJsonString(), (await api.AskAsync(key, "GET", "/event-types/invoice.paid")).Body!.ToJsonString());

        Assert.Equal(200, (await api.AskAsync(key, "PUT", "/event-types/invoice.void", "{}")).Status);
        Assert.Equal(204, (await api.AskAsync(key, "DELETE", "/event-types/invoice.void")).Status);
        Assert.Equal(204, (await api.AskAsync(key, "DELETE", "/event-types/invoice.void")).Status);
        Assert.Equal(404, (await api.AskAsync(key, "DELETE", "/event-types/invoice.none")).Status);
        var list = (await api.AskAsync(key, "GET", "/event-types?limit=1")).Body!;
        Assert.Equal(("invoice.void", true), (list["data"]![0]!["name"]!.GetValue<string>(), list["data"]![0]!["archived"]!.GetValue<bool>()));
        list = (await api.AskAsync(key, "GET", $"/event-types?cursor={list["next"]}")).Body!;
        Assert.Equal("invoice.paid", Assert.Single(list["data"]!.AsArray())!["name"]!.GetValue<string>());
        Assert.False((await api.AskAsync(key, "PATCH", "/event-types/invoice.void", """{"archived":false}""")).Body!["archived"]!.GetValue<bool>());
        Assert.Equal(
            ["event_type.changed", "event_type.archived", "event_type.archived", "event_type.created", "event_type.changed", "event_type.changed", "event_type.created"],
            (await api.AskAsync(key, "GET", "/audit")).Body!["data"]!.AsArray().Select(row => row!["action"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("PATCH", """{"schema":{"unevaluatedItems":false,"type":"x"},"colour":1}""", "/schema/type /schema/unevaluatedItems colour")]
    [InlineData("PATCH", """{"schema":{"$ref":"http://example.com/a"}}""", "/schema/$ref")]
    [InlineData("PATCH", """{"schema":[1]}""", "/schema schema")]
    [InlineData("PATCH", """{"example":{"amount":-1}}""", "/example/amount")]
    [InlineData("PATCH", """{"schema":{"required":["b"]}}""", "/example/b")]
    [InlineData("PATCH", """{"version":7}""", "version")]
    [InlineData("PATCH", """{"version":1,"schema":true}""", "version")]
    [InlineData("PATCH", """{"deprecation_note":"why"}""", "deprecation_note")]
    [InlineData("PUT", """{"description":5,"deprecated":"yes"}""", "deprecated description")]
    [InlineData("POST", """{"schema":true}""", "name")]
    public async Task Type_ThatBreaksRules_IsRefusedWithAllOfThem(string method, string body, string fields)
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        await api.AskAsync(key, "PUT", "/event-types/a", $$"""{"schema":{{Schema}},"example":{"amount":1} }""");
        var refused = await api.AskAsync(key, method, method == "POST" ? "/event-types" : "/event-types/a", body);
        Assert.Equal((422, "validation_failed", fields), (refused.Status, refused.Code, string.Join(' ', refused.Fields.Order(StringComparer.Ordinal))));
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT generation FROM webhooks.event_type_generation"));
    }

    [Fact]
    public async Task Publish_DataThatDoesNotFit_Is422ByPlace_AloneKeyedAndInABatch()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var events = $"/applications/{(await api.AskAsync(key, "POST", "/applications", """{"name":"a","daily_quota":1}""")).Text("id")}/events";
        await api.AskAsync(key, "PUT", "/event-types/invoice.paid", $$"""{"schema":{{Schema}} }""");
        foreach (var idempotencyKey in new[] { null, "k" })
        {
            var refused = await api.AskAsync(key, "POST", events, """{"type":"invoice.paid","data":{"amount":-5},"colour":1}""", idempotencyKey);
            Assert.Equal((422, "validation_failed", "/data/amount colour"), (refused.Status, refused.Code, string.Join(' ', refused.Fields.Order(StringComparer.Ordinal))));
            Assert.Equal("Must be at least 0.", refused.Body!["error"]!["details"]!["/data/amount"]![0]!.GetValue<string>());
        }

        var many = await api.AskAsync(
            key, "POST", events + "/batch",
            """{"events":[{"type":"invoice.paid","data":{}},{"type":"invoice.paid","data":{"amount":1}},{"type":"invoice.paid","version":2,"data":{"amount":1}},{"type":"invoice.paid","data":{"amount":1}}]}""");
        Assert.Equal(207, many.Status);
        Assert.Equal(
            ["validation_failed /data/amount", " ", "validation_failed version", "quota_exceeded daily_quota"],
            many.Body!["data"]!.AsArray().Select(item => $"{item!["code"]} {((item["details"] as JsonObject)?.Select(detail => detail.Key).FirstOrDefault())}"));
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Fact]
    public async Task Publish_OfADeprecatedType_IsTakenAndSaysSo()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var events = $"/applications/{(await api.AskAsync(key, "POST", "/applications", """{"name":"a"}""")).Text("id")}/events";
        await api.AskAsync(key, "PUT", "/event-types/old", """{"deprecated":true,"deprecation_note":"Use new."}""");
        var single = await api.AskAsync(key, "POST", events, """{"type":"old","data":1}""");
        Assert.Equal((202, "Use new."), (single.Status, single.Body!["deprecated"]!["note"]!.GetValue<string>()));
        var many = await api.AskAsync(key, "POST", events + "/batch", """{"events":[{"type":"old","data":1},{"type":"new","data":1}]}""");
        Assert.Equal((202, "Use new."), (many.Status, many.Body!["data"]![0]!["deprecated"]!["note"]!.GetValue<string>()));
        Assert.Null(many.Body["data"]![1]!["deprecated"]);
        Assert.Null((await api.AskAsync(key, "POST", events, """{"type":"new","data":1}""")).Body!["deprecated"]);
    }

    [Fact]
    public async Task Publish_OfAnUnknownType_IsRefusedWhereTheInstallationSaysSo()
    {
        await using var api = await ApiPlatform.StartAsync(options => options.Publishing.UnknownTypes = UnknownEventTypes.Refused);
        var key = await api.KeyAsync();
        var events = $"/applications/{(await api.AskAsync(key, "POST", "/applications", """{"name":"a"}""")).Text("id")}/events";
        var refused = await api.AskAsync(key, "POST", events, """{"type":"new","data":1}""");
        Assert.Equal((422, "type"), (refused.Status, Assert.Single(refused.Fields)));
        await api.AskAsync(key, "PUT", "/event-types/new", "{}");
        Assert.Equal(202, (await api.AskAsync(key, "POST", events, """{"type":"new","data":1}""")).Status);
    }

    [Fact]
    public async Task Keys_ThatAreBound_ReadTypesAndChangeNone_AndOrganizationsHaveTheirOwn()
    {
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var stranger = await ApiWorld.CreateAsync(api, await ApiWorld.OrganizationAsync(api));
        var (own, other) = ((await world.KeyAsync()).Key, (await stranger.KeyAsync()).Key);
        var bound = (await world.KeyAsync(settings => settings with { Application = world.Application })).Key;
        await api.AskAsync(own, "PUT", "/event-types/shared.name", """{"description":"ours"}""");
        Assert.Equal("ours", (await api.AskAsync(bound, "GET", "/event-types/shared.name")).Text("description"));
        foreach (var (method, path, body) in new[]
        {
            ("POST", "/event-types", """{"name":"b"}"""), ("PUT", "/event-types/shared.name", "{}"), ("PATCH", "/event-types/shared.name", "{}"), ("PATCH", "/event-types/none", "{}"),
            ("DELETE", "/event-types/shared.name", null),
        })
            Assert.Equal((403, "forbidden"), (await api.AskAsync(bound, method, path, body) is var answer ? answer.Status : 0, answer!.Code));
        Assert.Equal(404, (await api.AskAsync(other, "GET", "/event-types/shared.name")).Status);
        Assert.Equal(200, (await api.AskAsync(other, "PUT", "/event-types/shared.name", """{"description":"theirs"}""")).Status);
        Assert.Equal("ours", (await api.AskAsync(own, "GET", "/event-types/shared.name")).Text("description"));
    }
}
