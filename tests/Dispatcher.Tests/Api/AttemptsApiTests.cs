using System.Text.Json.Nodes;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Api;

public class AttemptsApiTests
{
    [Fact]
    public async Task Attempts_OfAnEndpointThatFailsAndRecovers_AreListedWithTheirEvidence()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.Of(500, "out of order"), ScriptedAnswer.Of(404));
        receiver.Respond(_ => ScriptedAnswer.NoContent);
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (application, endpoint) = await api.Platform.AddEndpointAsync(receiver.Url);
        var key = await api.KeyAsync();
        for (var i = 0; i < 5; i++) await api.Platform.PublishAsync(application);
        await api.Platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);

        var attempts = await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts");
        Assert.Equal(["http_error/404/2", "http_error/500/1"], Rows(attempts).Select(row => $"{row["outcome"]}/{row["status_code"]}/{row["number"]}"));
        Assert.Equal("out of order", Rows(attempts)[1]["detail"]!.GetValue<string>());
        Assert.All(Rows(attempts), row => Assert.Equal(1, row["seq"]!.GetValue<long>()));
        var (first, second) = (Rows(attempts)[1]["phases_ms"]!, Rows(attempts)[0]["phases_ms"]!);
        Assert.All(new[] { first["dns"], first["connect"], first["answer"], second["answer"] }, took => Assert.True(took!.GetValue<double>() >= 0));
        Assert.Null(first["tls"]);
        // It had the first one's connection.
        Assert.Null(second["connect"]);
        var page = await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?limit=1");
        Assert.Equal("500", Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?limit=1&cursor={page.Text("next")}"))[0]["status_code"]!.ToString());
        Assert.Empty(Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?outcome=timed_out")));
        Assert.Empty(Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?seq=2")));
        Assert.Empty(Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?until=2020-01-01T00:00:00Z")));
        Assert.Equal(2, Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?since=2020-01-01T00:00:00Z&outcome=http_error")).Count);
        Assert.Equal(400, (await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?outcome=fine")).Status);
        Assert.Equal(400, (await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/attempts?since=yesterday")).Status);

        var settled = Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/settlements"));
        Assert.All(settled, row => Assert.Equal("delivered", row["outcome"]!.GetValue<string>()));
        Assert.Equal(5, settled.Sum(row => row["last_seq"]!.GetValue<long>() - row["first_seq"]!.GetValue<long>() + 1));
        Assert.Single(Rows(await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/settlements?seq=3")));
    }

    [Fact]
    public async Task Attempts_OfAnEndpointThatTheKeyMayNotSee_AreNotFound()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (own, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var (_, other) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var ofApplication = await api.KeyAsync(settings => settings with { Application = own });
        var ofEndpoint = await api.KeyAsync(settings => settings with { Application = own, Endpoint = endpoint.Id });
        foreach (var (list, key) in new[] { "attempts", "settlements" }.SelectMany(list => new[] { (list, ofApplication), (list, ofEndpoint) }))
        {
            Assert.Equal(200, (await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}/{list}")).Status);
            Assert.Equal((404, "not_found"), ((await api.AskAsync(key, "GET", $"/endpoints/{other.Id}/{list}")).Status, (await api.AskAsync(key, "GET", $"/endpoints/{WebhookEndpointId.New()}/{list}")).Code));
        }
    }

    private static List<JsonObject> Rows(ApiAnswer answer) => [.. ((JsonArray)answer.Body!["data"]!).Select(row => (JsonObject)row!)];
}
