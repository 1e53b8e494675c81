using System.Text.Json.Nodes;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Dispatcher.Tasks;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>Long work: asked for once, done in steps, whoever goes on with it.</summary>
public class TasksApiTests
{
    [Fact]
    public async Task Replay_OfARange_SendsItAgainAndTheTaskSaysSo()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.NoContent);
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (application, endpoint) = await api.Platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 6; i++) await api.Platform.PublishAsync(application);
        await api.Platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 6);
        var key = await api.KeyAsync();
        var asked = await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/replay", """{"first":2,"last":4}""");
        Assert.Equal((202, "replay", 3), (asked.Status, asked.Text("kind"), asked.Body!["total"]!.GetValue<int>()));
        await receiver.WaitForAsync(9);
        Assert.Equal([2, 3, 4], receiver.Requests.Skip(6).Select(Wire.Seq).Order());
        await UntilAsync(api, key, asked.Text("id"), "done");
        var listed = await api.AskAsync(key, "GET", $"/applications/{application}/tasks");
        Assert.Equal(("done", 3), (listed.Body!["data"]![0]!["status"]!.GetValue<string>(), listed.Body["data"]![0]!["done"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Replay_InSteps_GoesOnWhereTheLastOneCommitted_AndACancelledOneEnds()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (application, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await Task.WhenAll(Enumerable.Range(0, 2500).Select(_ => api.Platform.PublishAsync(application)));
        for (var more = true; more;) more = (await api.Platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default)).More;
        // As if all had been delivered.
        await api.Platform.Endpoints.PauseAsync(endpoint.Id);
        await api.Platform.Endpoints.ResumeAsync(endpoint.Id, 2500);
        var key = await api.KeyAsync();
        var tasks = api.Platform.Get<WebhookTasks>();
        var id = (await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/replay", """{"first":1,"last":2500}""")).Text("id");
        Assert.Equal("pending", (await api.AskAsync(key, "GET", $"/tasks/{id}")).Text("status"));
        Assert.True(await tasks.RunOnceAsync(default));
        Assert.Equal(("running", 1000), await StateAsync());
        // Another process goes on.
        await using var other = await ApiPlatform.StartAsync(connectionString: api.Platform.ConnectionString);
        Assert.True(await other.Platform.Get<WebhookTasks>().RunOnceAsync(default));
        Assert.Equal(("running", 2000), await StateAsync());
        // There is no room for more until some of them were sent.
        Assert.True(await tasks.RunOnceAsync(default));
        Assert.Equal(("running", 2000), await StateAsync());
        Assert.False(await tasks.RunOnceAsync(default));
        Assert.Equal("cancelled", (await api.AskAsync(key, "POST", $"/tasks/{id}/cancel")).Text("status"));
        Assert.Equal(2000, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred WHERE replay"));
        Assert.Equal(("cancelled", 2000), await StateAsync());

        async Task<(string, int)> StateAsync()
        {
            var task = await api.AskAsync(key, "GET", $"/tasks/{id}");
            return (task.Text("status"), task.Body!["done"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task Resume_OfAllThatFailed_ResumesThoseAndLeavesWhatAnOperatorPaused()
    {
        await using var api = await ApiPlatform.StartAsync();
        var application = await api.Platform.Applications.CreateAsync("customer");
        var endpoints = new List<WebhookEndpointId>();
        for (var i = 0; i < 60; i++) endpoints.Add((await api.Platform.Endpoints.CreateAsync(application, new EndpointSettings($"http://127.0.0.1:9/{i}"))).Id);
        await api.Platform.ExecuteAsync("UPDATE webhooks.delivery_state SET status = 'paused', pause_reason = 'failing', paused_at = now()");
        await api.Platform.Endpoints.PauseAsync(endpoints[0]);
        var key = await api.KeyAsync();
        var asked = await api.AskAsync(key, "POST", $"/applications/{application}/resume", """{"reason":"failing"}""");
        Assert.Equal((202, 59), (asked.Status, asked.Body!["total"]!.GetValue<int>()));
        while (await api.Platform.Get<WebhookTasks>().RunOnceAsync(default))
        {
        }

        await UntilAsync(api, key, asked.Text("id"), "done");
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE status = 'paused' AND pause_reason = 'manual'"));
        Assert.Equal(59, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE status = 'active'"));
    }

    [Fact]
    public async Task Tasks_OfAnApplication_AreCapped_AndOneThatCannotBeDoneFailsWithAReason()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (application, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await api.Platform.PublishAsync(application);
        await api.Platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        var key = await api.KeyAsync();
        Assert.Equal(422, (await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/replay", """{"first":1,"last":2}""")).Status);
        for (var i = 0; i < WebhookTasks.MaxUnfinished; i++)
            Assert.Equal(202, (await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/replay", """{"first":1,"last":1}""")).Status);
        var refused = await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/replay", """{"first":1,"last":1}""");
        Assert.Equal((429, "too_many_tasks"), (refused.Status, refused.Code));
        Assert.True(refused.Headers.ContainsKey("Retry-After"));
        await api.Platform.Endpoints.DeleteAsync(endpoint.Id);
        Assert.True(await api.Platform.Get<WebhookTasks>().RunOnceAsync(default));
        var tasks = (JsonArray)(await api.AskAsync(key, "GET", $"/applications/{application}/tasks")).Body!["data"]!;
        Assert.Contains("no endpoint", Assert.Single(tasks, task => task!["status"]!.GetValue<string>() == "failed")!["error"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private static Task UntilAsync(ApiPlatform api, string key, string task, string status) =>
        Platform.UntilAsync(async () => (await api.AskAsync(key, "GET", $"/tasks/{task}")).Text("status") == status, $"the task is {status}");
}
