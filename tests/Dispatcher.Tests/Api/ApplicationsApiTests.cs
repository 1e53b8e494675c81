using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Tests.Api;

public class ApplicationsApiTests
{
    [Fact]
    public async Task Create_ThenReadChangeAndList_AnswersTheSame()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var created = await api.AskAsync(key, "POST", "/applications", """{"name":"Acme","daily_quota":10}""");
        Assert.Equal(201, created.Status);
        var id = created.Text("id");
        Assert.True(WebhookApplicationId.TryParse(id, out _));
        Assert.Equal(created.Body!.ToJsonString(), (await api.AskAsync(key, "GET", $"/applications/{id}")).Body!.ToJsonString());
        var changed = await api.AskAsync(key, "PATCH", $"/applications/{id}", """{"suspended":true,"daily_quota":null}""");
        Assert.Equal(("Acme", true), (changed.Text("name"), changed.Body!["suspended"]!.GetValue<bool>()));
        Assert.Null(changed.Body["daily_quota"]);
        var listed = await api.AskAsync(key, "GET", "/applications");
        Assert.Equal(changed.Body.ToJsonString(), Assert.Single((JsonArray)listed.Body!["data"]!)!.ToJsonString());
        Assert.Equal(["application.changed", "application.created"], (await api.Platform.ListAsync<string>("SELECT action FROM webhooks.audit")).Order());
    }

    [Fact]
    public async Task Key_OfOneApplication_SeesNoOther_AndAForeignOneIsLikeAnAbsentOne()
    {
        await using var api = await ApiPlatform.StartAsync();
        var all = await api.KeyAsync();
        var (own, other) = ((await api.AskAsync(all, "POST", "/applications", """{"name":"own"}""")).Text("id"), (await api.AskAsync(all, "POST", "/applications", """{"name":"other"}""")).Text("id"));
        var key = await api.KeyAsync(settings => settings with { Application = WebhookApplicationId.Parse(own) });
        Assert.Equal(200, (await api.AskAsync(key, "GET", $"/applications/{own}")).Status);
        Assert.Single((JsonArray)(await api.AskAsync(key, "GET", "/applications")).Body!["data"]!);
        Assert.Equal(403, (await api.AskAsync(key, "POST", "/applications", """{"name":"more"}""")).Status);
        foreach (var (method, body) in new[] { ("GET", null), ("PATCH", """{"name":"mine"}""") })
        {
            var (foreign, absent) = (await api.AskAsync(key, method, $"/applications/{other}", body), await api.AskAsync(key, method, $"/applications/{WebhookApplicationId.New()}", body));
            Assert.Equal((404, "not_found"), (foreign.Status, foreign.Code));
            foreign.Body!["error"]!["request_id"] = absent.Body!["error"]!["request_id"]!.DeepClone();
            Assert.Equal(absent.Body.ToJsonString(), foreign.Body.ToJsonString());
        }

        Assert.Equal("other", (await api.AskAsync(all, "GET", $"/applications/{other}")).Text("name"));
    }

    [Fact]
    public async Task List_PagedBothWaysWhileSomeAreAdded_MissesAndRepeatsNone()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        for (var i = 0; i < 25; i++) await api.Platform.Applications.CreateAsync($"{i}");
        var first = await api.AskAsync(key, "GET", "/applications?limit=10");
        Assert.Equal(Names(15, 25), NamesOf(first));
        Assert.Null(first.Body!["previous"]);
        await api.Platform.Applications.CreateAsync("25");
        var second = await api.AskAsync(key, "GET", $"/applications?limit=10&cursor={first.Text("next")}");
        Assert.Equal(Names(5, 15), NamesOf(second));
        var third = await api.AskAsync(key, "GET", $"/applications?limit=10&cursor={second.Text("next")}");
        Assert.Equal(Names(0, 5), NamesOf(third));
        Assert.Null(third.Body!["next"]);
        Assert.Equal(Names(5, 15), NamesOf(await api.AskAsync(key, "GET", $"/applications?limit=10&cursor={third.Text("previous")}")));
        var back = await api.AskAsync(key, "GET", $"/applications?limit=10&cursor={second.Text("previous")}");
        Assert.Equal(Names(15, 25), NamesOf(back));
        Assert.Equal(Names(25, 26), NamesOf(await api.AskAsync(key, "GET", $"/applications?limit=10&cursor={back.Text("previous")}")));

        static IEnumerable<string> Names(int from, int to) => Enumerable.Range(from, to - from).Reverse().Select(n => $"{n}");
        static IEnumerable<string> NamesOf(ApiAnswer page) => ((JsonArray)page.Body!["data"]!).Select(one => one!["name"]!.GetValue<string>());
    }
}
