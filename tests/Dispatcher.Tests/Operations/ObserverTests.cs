using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Operations;

/// <summary>Operational events (design 5.3): told in order, none missed whoever runs, each at least once.</summary>
public class ObserverTests
{
    [Fact]
    public async Task Observe_AnEndpointIsPausedAndResumed_IsToldInOrderWithWhoAndWhy()
    {
        var told = new Told();
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Of(410));
        await using var platform = await StartAsync(told);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        receiver.Respond(_ => ScriptedAnswer.NoContent);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await told.UntilAsync(4);
        Assert.Equal(["endpoint.created", "endpoint.paused", "endpoint.paused", "endpoint.resumed"], told.Events.Select(one => one.Type));
        Assert.Equal(["operator", "dispatcher", "operator", "operator"], told.Events.Select(one => one.Actor));
        Assert.All(told.Events, one => Assert.Equal((application, endpoint.Id), (one.Application, one.Endpoint)));
        using var details = JsonDocument.Parse(told.Events.ElementAt(1).Details);
        Assert.Equal("gone", details.RootElement.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Observe_ATransactionCommitsLateWithALowerNumber_IsToldAllTheSame()
    {
        var told = new Told();
        await using var platform = await StartAsync(told);
        await using var late = await platform.Data.OpenConnectionAsync();
        await using var transaction = await late.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("INSERT INTO webhooks.operational_event (type, actor) VALUES ('late', 'operator')", late, transaction))
            await insert.ExecuteNonQueryAsync();
        for (var i = 0; i < 3; i++) await platform.ExecuteAsync($"INSERT INTO webhooks.operational_event (type, actor) VALUES ('early {i}', 'operator')");
        await told.UntilAsync(3);
        Assert.Equal(["early 0", "early 1", "early 2"], told.Events.Select(one => one.Type));
        await transaction.CommitAsync();
        await told.UntilAsync(4);
        Assert.Equal("late", told.Events.Last().Type);
    }

    [Fact]
    public async Task Observe_AnObserverThatFails_IsToldTheSameEventAgainAndThoseBehindItWait()
    {
        var told = new Told { FailsAt = 2 };
        await using var platform = await StartAsync(told);
        for (var i = 1; i <= 3; i++) await platform.ExecuteAsync($"INSERT INTO webhooks.operational_event (type, actor) VALUES ('{i}', 'operator')");
        await told.UntilAsync(4);
        Assert.Equal(["1", "2", "2", "3"], told.Events.Select(one => one.Type));
    }

    [Fact]
    public async Task Observe_AProcessEndsAndAnotherComes_GoesOnWhereItStood()
    {
        var (first, second) = (new Told(), new Told());
        string connectionString;
        await using (var platform = await StartAsync(first))
        {
            connectionString = platform.ConnectionString;
            await platform.ExecuteAsync("INSERT INTO webhooks.operational_event (type, actor) VALUES ('one', 'operator')");
            await first.UntilAsync(1);
            // It is told before that is noted; a stop in between would have it told again.
            await Platform.UntilAsync(
                () => platform.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM webhooks.observer WHERE mark = (SELECT max(operational_event) FROM webhooks.operational_event))"),
                "it is noted that one was told", seconds: 30);
            await platform.StopAsync();
            // While nobody observes.
            await platform.ExecuteAsync("INSERT INTO webhooks.operational_event (type, actor) VALUES ('two', 'operator')");
        }

        await using var other = await StartAsync(second, connectionString);
        await second.UntilAsync(1);
        Assert.Equal(["two"], second.Events.Select(one => one.Type));
    }

    [Fact]
    public async Task Observe_InTwoProcesses_OneIsTold()
    {
        var (one, other) = (new Told(), new Told());
        await using var platform = await StartAsync(one);
        await using var beside = await StartAsync(other, platform.ConnectionString);
        for (var i = 0; i < 20; i++) await platform.ExecuteAsync($"INSERT INTO webhooks.operational_event (type, actor) VALUES ('{i}', 'operator')");
        await Platform.UntilAsync(() => Task.FromResult(one.Events.Count + other.Events.Count >= 20), "all are told");
        Assert.True(one.Events.IsEmpty || other.Events.IsEmpty);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), one.Events.Concat(other.Events).Select(told => told.Type));
    }

    [Fact]
    public async Task OperationsApplication_GetsThemAsWebhooks_OnceEachAndNothingAboutItsOwnEndpoints()
    {
        await using var operations = await ScriptedReceiver.StartAsync();
        operations.Respond(_ => ScriptedAnswer.NoContent);
        string connectionString;
        WebhookApplicationId own;
        WebhookEndpointId ownEndpoint;
        await using (var setup = await Platform.StartAsync(worker: false))
        {
            connectionString = setup.ConnectionString;
            (own, var created) = await setup.AddEndpointAsync(operations.Url);
            ownEndpoint = created.Id;
        }

        await using var platform = await Platform.StartAsync(
            options =>
            {
                options.Operations.Application = own.Value;
                options.Operations.PollInterval = TimeSpan.FromMilliseconds(50);
            }, connectionString);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.observer") == 1, "they are read");
        var customer = await platform.Applications.CreateAsync("customer");
        var endpoint = await platform.Endpoints.CreateAsync(customer, new EndpointSettings("http://127.0.0.1:9/"));
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await operations.WaitForAsync(2);
        Assert.Equal(["endpoint.created", "endpoint.paused"], operations.Requests.Select(request => Wire.Envelope(request).GetProperty("type").GetString()));
        var data = Wire.Envelope(operations.Requests[^1]).GetProperty("data");
        Assert.Equal((endpoint.Id.Value, customer.Value), (data.GetProperty("endpoint").GetString(), data.GetProperty("application").GetString()));
        Assert.Equal("manual", data.GetProperty("details").GetProperty("reason").GetString());

        await platform.Endpoints.UpdateAsync(ownEndpoint, new EndpointSettings(operations.Url.ToString()) { Description = "ours" });
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await operations.WaitForAsync(3);
        Assert.Equal("endpoint.resumed", Wire.Envelope(operations.Requests[^1]).GetProperty("type").GetString());
        Assert.Equal(3, operations.Requests.Count);
    }

    private static async Task<Platform> StartAsync(Told told, string? connectionString = null)
    {
        var platform = await Platform.StartAsync(
            options => options.Operations.PollInterval = TimeSpan.FromMilliseconds(50), connectionString,
            services: services => services.AddSingleton(told).AddWebhookObserver<Observer>("test"));
        // It is told of what happens from its first claim on.
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.observer") == 1, "it observes");
        return platform;
    }

    private sealed class Observer(Told told) : IWebhookObserver
    {
        public Task ObserveAsync(WebhookOperationalEvent operationalEvent, CancellationToken cancellationToken)
        {
            told.Events.Enqueue(operationalEvent);
            if (told.Events.Count == told.FailsAt) throw new InvalidOperationException("Not now.");
            return Task.CompletedTask;
        }
    }

    private sealed class Told
    {
        public ConcurrentQueue<WebhookOperationalEvent> Events { get; } = new();

        public int FailsAt { get; init; }

        public Task UntilAsync(int count) => Platform.UntilAsync(() => Task.FromResult(Events.Count >= count), $"{count} are told");
    }
}
