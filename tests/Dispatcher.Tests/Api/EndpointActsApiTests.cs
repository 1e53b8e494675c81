using System.Text.Json.Nodes;
using Webhooks.Signing;
using Webhooks.Testing;
using static Webhooks.Dispatcher.Tests.Api.EndpointsApiTests;

namespace Webhooks.Dispatcher.Tests.Api;

public class EndpointActsApiTests
{
    /// <summary>Promise 5, over HTTP, and for a sender in another process: what comes after the answer is nothing new.</summary>
    [Fact]
    public async Task Pause_Answered_NoSendBeginsInAnyProcess_AndResumeGoesOn()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var sender = await Platform.StartAsync();
        await using var desk = await ApiPlatform.StartAsync(connectionString: sender.ConnectionString);
        // At first as fast as it goes, and then so slowly that not all can have been sent by the time of the pause.
        receiver.Respond(request => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(request.Number < 50 ? 2 : 100) });
        var (key, application) = await ApplicationAsync(desk);
        var id = (await CreateAsync(desk, key, application, receiver.Url.ToString())).Text("id");
        for (var i = 0; i < 500; i++) _ = sender.PublishAsync(WebhookApplicationId.Parse(application));
        await receiver.WaitForAsync(20);
        var paused = await desk.AskAsync(key, "POST", $"/endpoints/{id}/pause");
        var atReturn = receiver.Count;
        Assert.Equal((200, "paused", "manual"), (paused.Status, paused.Text("status"), At(paused.Body!, "pause.reason")));
        await sender.WaitForStreamAsync(WebhookEndpointId.Parse(id), stream => stream.Head == 500);
        Assert.Equal(atReturn, receiver.Count);
        Assert.True(atReturn < 500, "All were sent before the pause; the test shows nothing.");
        var read = await desk.AskAsync(key, "GET", $"/endpoints/{id}");
        Assert.Equal(("paused", "manual", "Paused by an operator."), (read.Text("status"), At(read.Body!, "pause.reason"), At(read.Body!, "pause.evidence")));
        Assert.NotNull(At(read.Body!, "pause.at"));

        // Without a body, too.
        receiver.Respond(null);
        var resumed = await desk.AskAsync(key, "POST", $"/endpoints/{id}/resume");
        Assert.Equal((200, "active"), (resumed.Status, resumed.Text("status")));
        await sender.WaitForStreamAsync(WebhookEndpointId.Parse(id), stream => stream.Cursor == 500);
        Assert.Equal(500, receiver.Count);
        Assert.Equal(
            ["endpoint.created", "endpoint.paused", "endpoint.resumed"],
            await sender.ListAsync<string>($"SELECT action FROM webhooks.audit WHERE target = '{id}' ORDER BY audit"));
    }

    [Fact]
    public async Task Resume_AfterANumber_SkipsForwardAndRewinds_AndAboveTheHeadIs422()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, application, id) = await HeldAsync(api, receiver, 4);
        var refused = await api.AskAsync(key, "POST", $"/endpoints/{id}/resume", """{"after":5}""");
        Assert.Equal((422, "after"), (refused.Status, string.Join(',', refused.Fields)));
        Assert.Equal(["after", "before"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/resume", """{"after":-1,"before":1}""")).Fields);
        Assert.Equal("paused", (await api.AskAsync(key, "GET", $"/endpoints/{id}/stream")).Text("status"));
        var resumed = await api.AskAsync(key, "POST", $"/endpoints/{id}/resume", """{"after":2}""");
        Assert.Equal("2", At(resumed.Body!, "cursor"));
        await UntilCursorAsync(api, id, 4);
        Assert.Equal([3, 4], receiver.Requests.Select(Wire.Seq));
        Assert.Equal(200, (await api.AskAsync(key, "POST", $"/endpoints/{id}/resume", """{"after":0}""")).Status);
        await receiver.WaitForAsync(6);
        Assert.Equal([3, 4, 1, 2, 3, 4], receiver.Requests.Select(Wire.Seq));
        Assert.Equal(application, At((await api.AskAsync(key, "GET", $"/endpoints/{id}")).Body!, "application"));
    }

    [Fact]
    public async Task Skip_TheOneThatIsNext_IsSettledAndAnotherIs422()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, _, id) = await HeldAsync(api, receiver, 3);
        Assert.Equal(["seq"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/skip", "{}")).Fields);
        Assert.Equal(["seq"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/skip", """{"seq":2}""")).Fields);
        var skipped = await api.AskAsync(key, "POST", $"/endpoints/{id}/skip", """{"seq":1}""", "skip-1");
        Assert.Equal((200, "1", "paused", "2"), (skipped.Status, At(skipped.Body!, "cursor"), skipped.Text("status"), At(skipped.Body!, "backlog")));
        var again = await api.AskAsync(key, "POST", $"/endpoints/{id}/skip", """{"seq":1}""", "skip-1");
        Assert.Equal(skipped.Body!.ToJsonString(), again.Body!.ToJsonString());
        await api.AskAsync(key, "POST", $"/endpoints/{id}/resume");
        await UntilCursorAsync(api, id, 3);
        Assert.Equal([2, 3], receiver.Requests.Select(Wire.Seq));
    }

    [Fact]
    public async Task Replay_OfARange_SendsItAgain_AndOneOutsideIs422()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, _, id) = await HeldAsync(api, receiver, 3);
        await api.AskAsync(key, "POST", $"/endpoints/{id}/resume");
        await UntilCursorAsync(api, id, 3);
        Assert.Equal(["first", "last"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/replay", """{"first":0}""")).Fields);
        Assert.Equal(422, (await api.AskAsync(key, "POST", $"/endpoints/{id}/replay", """{"first":2,"last":4}""")).Status);
        var replayed = await api.AskAsync(key, "POST", $"/endpoints/{id}/replay", """{"first":2,"last":3}""");
        Assert.Equal((202, "2"), (replayed.Status, At(replayed.Body!, "total")));
        await receiver.WaitForAsync(5);
        Assert.Equal([1, 2, 3, 2, 3], receiver.Requests.Select(Wire.Seq).Take(3).Concat(receiver.Requests.Select(Wire.Seq).Skip(3).Order()));
    }

    [Fact]
    public async Task Rotate_ThenRevoke_TheSecretIsShownOnceAndTheRestByFingerprint()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, application) = await ApplicationAsync(api);
        var created = await CreateAsync(api, key, application, receiver.Url.ToString());
        var (id, old) = (created.Text("id"), WebhookSecret.Parse(created.Text("secret")));
        var rotated = await api.AskAsync(key, "POST", $"/endpoints/{id}/rotate-secret", """{"overlap_seconds":3600}""", "rotate");
        var fresh = WebhookSecret.Parse(rotated.Text("secret"));
        Assert.Equal((200, fresh.Fingerprint), (rotated.Status, rotated.Text("fingerprint")));
        Assert.Equal(fresh, WebhookSecret.Parse((await api.AskAsync(key, "POST", $"/endpoints/{id}/rotate-secret", """{"overlap_seconds":3600}""", "rotate")).Text("secret")));
        var read = (await api.AskAsync(key, "GET", $"/endpoints/{id}")).Body!;
        Assert.Equal([fresh.Fingerprint, old.Fingerprint], ((JsonArray)read["secrets"]!).Select(one => one!["fingerprint"]!.GetValue<string>()));
        Assert.Null(At(read, "secrets.0.expires_at"));
        Assert.Equal(3600, (read["secrets"]![1]!["expires_at"]!.GetValue<DateTimeOffset>() - read["secrets"]![0]!["created_at"]!.GetValue<DateTimeOffset>()).TotalSeconds, 5.0);
        await api.Platform.PublishAsync(WebhookApplicationId.Parse(application));
        var request = (await receiver.WaitForAsync(1))[0];
        Assert.True(request.Verify(fresh).IsValid && request.Verify(old).IsValid);

        var revoked = await api.AskAsync(key, "POST", $"/endpoints/{id}/revoke-secret", $$"""{"fingerprint":"{{old.Fingerprint}}"}""");
        Assert.Equal((200, fresh.Fingerprint), (revoked.Status, At(revoked.Body!, "secrets.0.fingerprint")));
        Assert.Single((JsonArray)revoked.Body!["secrets"]!);
        Assert.Equal(404, (await api.AskAsync(key, "POST", $"/endpoints/{id}/revoke-secret", $$"""{"fingerprint":"{{old.Fingerprint}}"}""")).Status);
        Assert.Equal(["fingerprint"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/revoke-secret", $$"""{"fingerprint":"{{fresh.Fingerprint}}"}""")).Fields);
        Assert.Equal(["overlap_seconds", "secret"], (await api.AskAsync(key, "POST", $"/endpoints/{id}/rotate-secret", """{"overlap_seconds":604801,"secret":"whsec_x"}""")).Fields);
        var own = WebhookSecret.Generate(64);
        Assert.Equal(own.Reveal(), (await api.AskAsync(key, "POST", $"/endpoints/{id}/rotate-secret", $$"""{"overlap_seconds":0,"secret":"{{own.Reveal()}}"}""")).Text("secret"));
        var written = string.Join('\n', await api.Platform.ListAsync<string>("SELECT a::text FROM webhooks.audit a UNION ALL SELECT o::text FROM webhooks.operational_event o"));
        foreach (var secret in new[] { old, fresh, own })
            Assert.DoesNotContain(secret.Reveal()[WebhookSecret.Prefix.Length..], written, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_AndFeedByAKey_TellWhereItStands_AndGiveAReceiverNothingToPassOver()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, application, id) = await HeldAsync(api, receiver, 3);
        var stream = (await api.AskAsync(key, "GET", $"/endpoints/{id}/stream")).Body!;
        Assert.Equal(
            [id, "paused", "manual", "1", "1", "1", "3", "0", "3", "0"],
            new[] { "endpoint", "status", "pause.reason", "epoch", "epoch_start", "floor", "head", "cursor", "backlog", "consecutive_failures" }.Select(path => At(stream, path)));

        var created = WebhookEndpointId.Parse(id);
        var fresh = await api.Platform.Endpoints.RotateSecretAsync(created);
        using var asReceiver = new FeedClient(api.Platform, created, fresh);
        var page = await api.AskAsync(key, "GET", $"/endpoints/{id}/events?after=1&limit=1");
        Assert.Equal((200, "2", "True"), (page.Status, At(page.Body!, "data.0.seq"), page.Body!["has_more"]!.GetValue<bool>().ToString()));
        Assert.False(page.Headers.ContainsKey(WebhookHeaders.Signature));
        Assert.Equal((await asReceiver.ReadAsync(1, 1)).Body.GetRawText(), page.Body.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Assert.Equal(["limit"], (await api.AskAsync(key, "GET", $"/endpoints/{id}/events?limit=1001")).Fields);
        await api.AskAsync(key, "GET", $"/endpoints/{id}/events");
        Assert.Equal(0, await api.Platform.ScalarAsync<long>("SELECT feed_served FROM webhooks.delivery_state"));

        await api.Platform.Get<Webhooks.Dispatcher.Delivery.StreamControl>().RaiseFloorAsync(created, 3, default);
        var expired = await api.AskAsync(key, "GET", $"/endpoints/{id}/events?after=0");
        Assert.Equal((410, "range_expired", "3", "3"), (expired.Status, expired.Code, At(expired.Body!, "error.details.floor.0"), At(expired.Body!, "error.details.head.0")));
        Assert.Equal("range_expired", (await asReceiver.ReadAsync(0)).Code);
        // Without a key it is the receiver's route still: an operator's pause it does not lift.
        Assert.Equal("paused_by_operator", (await asReceiver.ResumeAsync(3)).Code);
        Assert.Equal("unauthenticated", (await api.AskAsync("", "GET", $"/endpoints/{id}/events")).Code);
        Assert.Equal("method_not_allowed", (await api.AskAsync(key, "DELETE", $"/endpoints/{id}/events")).Code);
        Assert.Equal(application, At((await api.AskAsync(key, "GET", $"/endpoints/{id}")).Body!, "application"));
    }

    /// <summary>A paused endpoint, with so many events held.</summary>
    private static async Task<(string Key, string Application, string Endpoint)> HeldAsync(ApiPlatform api, ScriptedReceiver receiver, int events)
    {
        var (key, application) = await ApplicationAsync(api);
        var id = (await CreateAsync(api, key, application, receiver.Url.ToString())).Text("id");
        Assert.Equal(200, (await api.AskAsync(key, "POST", $"/endpoints/{id}/pause")).Status);
        for (var i = 0; i < events; i++) await api.Platform.PublishAsync(WebhookApplicationId.Parse(application));
        await api.Platform.WaitForStreamAsync(WebhookEndpointId.Parse(id), stream => stream.Head == events);
        return (key, application, id);
    }

    private static Task UntilCursorAsync(ApiPlatform api, string id, long cursor) =>
        api.Platform.WaitForStreamAsync(WebhookEndpointId.Parse(id), stream => stream.Cursor == cursor);
}
