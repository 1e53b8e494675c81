using System.Text.Json.Nodes;
using Webhooks.Testing;
using static Webhooks.Dispatcher.Tests.Api.EndpointsApiTests;

namespace Webhooks.Dispatcher.Tests.Api;

public class EndpointTestApiTests
{
    [Fact]
    public async Task Test_Accepted_SaysWhereTheOutcomeIs_AndItIsThere()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, application) = await ApplicationAsync(api);
        var id = (await CreateAsync(api, key, application, receiver.Url.ToString())).Text("id");
        var other = (await CreateAsync(api, key, application, receiver.Url + "other")).Text("id");
        var answer = await api.AskAsync(key, "POST", $"/endpoints/{id}/test", """{"type":"invoice.paid","data":{"n": 1}}""", idempotencyKey: "one");
        Assert.Equal((202, "accepted", false), (answer.Status, answer.Text("status"), answer.Body!["replayed"]!.GetValue<bool>()));
        var again = await api.AskAsync(key, "POST", $"/endpoints/{id}/test", """{"type":"invoice.paid","data":{"n": 1}}""", idempotencyKey: "one");
        Assert.Equal((202, answer.Text("id"), true), (again.Status, again.Text("id"), again.Body!["replayed"]!.GetValue<bool>()));
        Assert.Equal("idempotency_key_reused", (await api.AskAsync(key, "POST", $"/endpoints/{id}/test", "{}", idempotencyKey: "one")).Code);

        Assert.Contains("""{"n": 1}""", (await receiver.WaitForAsync(1))[0].Text, StringComparison.Ordinal);
        await api.Platform.WaitForStreamAsync(WebhookEndpointId.Parse(id), stream => stream.Cursor == 1);
        var read = await api.AskAsync(key, "GET", answer.Text("event_path"));
        var stream = Assert.Single((JsonArray)read.Body!["streams"]!);
        Assert.Equal(
            ("in_streams", id, 1, "delivered"),
            (read.Text("status"), stream!["endpoint"]!.GetValue<string>(), stream["seq"]!.GetValue<int>(), stream["status"]!.GetValue<string>()));
        Assert.StartsWith("key_", read.Text("published_by"), StringComparison.Ordinal);
        Assert.Equal(200, (await api.AskAsync(key, "GET", answer.Text("attempts_path"))).Status);
        Assert.Equal(answer.Text("id"), At((await api.AskAsync(key, "GET", $"/applications/{application}/events")).Body!, "data.0.id"));
        Assert.Equal(0, (await api.Platform.Endpoints.GetStreamAsync(WebhookEndpointId.Parse(other))).Head);
        Assert.Equal(["endpoint.tested"], await api.Platform.ListAsync<string>($"SELECT action FROM webhooks.audit WHERE target = '{id}' AND action LIKE '%test%'"));

        // Without a body, too.
        Assert.Equal(202, (await api.AskAsync(key, "POST", $"/endpoints/{id}/test")).Status);
        await api.Platform.WaitForStreamAsync(WebhookEndpointId.Parse(id), status => status.Cursor == 2);
    }

    [Fact]
    public async Task Test_WrongFields_PausedDeletedSuspendedAndQuota_AreAnsweredAsForAnyEvent()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = await ApplicationAsync(api);
        var id = (await CreateAsync(api, key, application, "http://127.0.0.1:9/")).Text("id");
        Assert.Equal(["dedupe_key", "type"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/test", """{"type":"a..b","dedupe_key":"x"}""")).Fields);
        Assert.Equal(["type"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/test", """{"type":7,"data":null}""")).Fields);
        await api.AskAsync(key, "POST", $"/endpoints/{id}/pause");
        Assert.Equal(202, (await api.AskAsync(key, "POST", $"/endpoints/{id}/test", """{"data":null}""")).Status);

        Assert.Equal(200, (await api.AskAsync(key, "PATCH", $"/applications/{application}", """{"daily_quota":1}""")).Status);
        Assert.Equal(202, (await api.AskAsync(key, "POST", $"/endpoints/{id}/test")).Status);
        Assert.Equal((429, "quota_exceeded"), Of(await api.AskAsync(key, "POST", $"/endpoints/{id}/test")));
        await api.Platform.ExecuteAsync($"UPDATE webhooks.application SET suspended_at = now() WHERE id = '{application}'");
        Assert.Equal((409, "application_suspended"), Of(await api.AskAsync(key, "POST", $"/endpoints/{id}/test")));
        await api.AskAsync(key, "DELETE", $"/endpoints/{id}");
        Assert.Equal((404, "not_found"), Of(await api.AskAsync(key, "POST", $"/endpoints/{id}/test")));
        Assert.Equal(2, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    private static (int, string?) Of(ApiAnswer answer) => (answer.Status, answer.Code);
}
