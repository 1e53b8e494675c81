using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Quickstart;
using Webhooks.Testing;

namespace Webhooks.EndToEnd;

/// <summary>Promise 10 with real processes: a node that was suspended for longer than its lease and wakes up moves no cursor and shortens no pause.</summary>
public class SuspendTests
{
    private const int Events = 400;

    [Fact]
    public async Task Suspended_LongerThanItsLease_WakesUpAndChangesNothing()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var data = NpgsqlDataSource.Create(database);
        await using var publishing = await PlatformHost.StartAsync(database, "http://127.0.0.1:0", TimeSpan.FromSeconds(2), worker: false);
        var publisher = publishing.Services.GetRequiredService<IWebhookPublisher>();
        var endpoints = publishing.Services.GetRequiredService<IWebhookEndpoints>();
        var application = await publishing.Services.GetRequiredService<IWebhookApplications>().CreateAsync("customer");

        // One stream in full flow; and two whose first request is on its way while the sender is suspended. What they are answered, it reads when it wakes up.
        await using var busy = await ScriptedReceiver.StartAsync();
        await using var refusing = await ScriptedReceiver.StartAsync();
        await using var accepting = await ScriptedReceiver.StartAsync();
        using var asleep = new ManualResetEventSlim();
        busy.Respond(_ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(3) });
        refusing.Respond(request => Held(request) ? ScriptedAnswer.NoContent : ScriptedAnswer.Of(410));
        accepting.Respond(request => Held(request) ? ScriptedAnswer.Of(410) : ScriptedAnswer.NoContent);
        bool Held(CapturedRequest request)
        {
            if (request.Number > 1) return false;
            asleep.Wait(TimeSpan.FromSeconds(30));
            return true;
        }

        var inFlow = await endpoints.CreateAsync(application, new EndpointSettings(busy.Url.ToString()));
        var paused = await endpoints.CreateAsync(application, new EndpointSettings(refusing.Url.ToString()));
        var served = await endpoints.CreateAsync(application, new EndpointSettings(accepting.Url.ToString()));
        Task<ChildProcess> Dispatcher() => ChildProcess.StartAsync(
            Path.Combine(AppContext.BaseDirectory, "Quickstart.dll"), ["dispatcher", "--database", database, "--url", "http://127.0.0.1:0", "--lease", "5"]);
        using var sleeper = await Dispatcher();
        for (var i = 0; i < Events; i++) _ = publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "{}"));
        await Task.WhenAll(busy.WaitForAsync(30), refusing.WaitForAsync(1), accepting.WaitForAsync(1));

        sleeper.Suspend();
        try
        {
            using var other = await Dispatcher();
            await UntilAsync(async () => (await endpoints.GetStreamAsync(paused.Id)).PauseReason == PauseReason.Gone, "the endpoint that answers 410 is paused");
            await UntilAsync(async () => (await endpoints.GetStreamAsync(served.Id)).Cursor == Events, "the other node delivers");
            asleep.Set();
            sleeper.Continue();
            await UntilAsync(async () => await CountAsync(data, $"SELECT count(*) FROM webhooks.node WHERE name LIKE '%:{sleeper.Id}'") == 1, "it joins again");
            await UntilAsync(async () => (await endpoints.GetStreamAsync(inFlow.Id)).Cursor == Events, "all is delivered");
            Assert.Equal(PauseReason.Gone, (await endpoints.GetStreamAsync(paused.Id)).PauseReason);
            Assert.Equal(0, (await endpoints.GetStreamAsync(paused.Id)).Cursor);
            Assert.Equal((Events, EndpointStatus.Active), ((await endpoints.GetStreamAsync(served.Id)).Cursor, (await endpoints.GetStreamAsync(served.Id)).Status));
            Assert.Equal(1, await CountAsync(data, "SELECT count(*) FROM webhooks.attempt"));
            Assert.Equal(1, await CountAsync(data, "SELECT count(*) FROM webhooks.operational_event WHERE type = 'endpoint.paused'"));

            // One by each node: the sleeper's was accepted, and still it sent no other.
            Assert.Equal(2, refusing.Count);

            // And both nodes go on.
            for (var i = 0; i < 50; i++) await publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "{}"));
            await UntilAsync(async () => (await endpoints.GetStreamAsync(inFlow.Id)).Cursor == Events + 50, "what came later is delivered");
            Assert.Equal(2, await CountAsync(data, "SELECT count(*) FROM webhooks.node"));
        }
        finally
        {
            asleep.Set();
            sleeper.Continue();
        }

        foreach (var receiver in new[] { busy, accepting })
            Assert.Equal(Enumerable.Range(1, (int)receiver.Requests.Max(Seq)).Select(seq => (long)seq), receiver.Requests.Select(Seq).Distinct());
    }

    private static long Seq(CapturedRequest request)
    {
        using var envelope = JsonDocument.Parse(request.Body);
        return envelope.RootElement.GetProperty("seq").GetInt64();
    }

    private static async Task<long> CountAsync(NpgsqlDataSource data, string sql)
    {
        await using var command = data.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var until = DateTime.UtcNow.AddSeconds(180);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < until, $"In three minutes it did not come about that {what}.");
            await Task.Delay(20);
        }
    }
}
