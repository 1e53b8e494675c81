using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Operations;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.EventTypes;

/// <summary>Event types through the library.</summary>
public class EventTypeTests
{
    private const string Schema = """{"type":"object","required":["amount"],"properties":{"amount":{"type":"integer"}}}""";

    [Fact]
    public async Task Publish_DataThatDoesNotFit_IsRefusedByPlaceAndNothingIsStored()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var application = await platform.Applications.CreateAsync("a");
        await platform.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("order.paid") { Schema = Schema });
        var wrong = EventToPublish.FromJson(application, "order.paid", """{"amount":"canary"}""");
        var refused = await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Publisher.PublishAsync(wrong));
        Assert.Equal(["/data/amount"], refused.Errors.Keys);
        Assert.DoesNotContain("canary", refused.Message, StringComparison.Ordinal);

        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var right = EventToPublish.FromJson(application, "order.paid", """{"amount":1}""");
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Publisher.PublishAsync([right, wrong], transaction));
        await transaction.CommitAsync();
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));

        await platform.Publisher.PublishAsync(right);
        await platform.PublishAsync(application, "\"anything\"", "order.unheard_of");
        Assert.Equal(2, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Fact]
    public async Task Publish_InATransactionAfterTheServerCutThePool_IsNotRefusedForThat()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var application = await platform.Applications.CreateAsync("a");
        // What there is was read a second ago at most: it is read again.
        await platform.PublishAsync(application, "1", "order.paid");
        var published = Stopwatch.StartNew();
        await platform.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        await Platform.UntilAsync(() => Task.FromResult(published.Elapsed > TimeSpan.FromSeconds(2)), "two seconds have passed");

        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", """{"amount":1}"""), transaction);
        await transaction.CommitAsync();
        Assert.Equal(2, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Fact]
    public async Task Set_AnotherSchema_IsANewVersion_AndWhatIsTheSameIsNone()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (types, application) = (platform.Get<IWebhookEventTypes>(), await platform.Applications.CreateAsync("a"));
        var settings = new EventTypeSettings("order.paid") { Description = "d", Schema = Schema, Example = """{"amount":1}""" };
        Assert.Equal(1, (await types.SetAsync(settings)).Version);
        Assert.Equal(1, (await types.SetAsync(settings with { Description = "e", Schema = " " + Schema, Example = """{"amount":2}""" })).Version);
        var second = await types.SetAsync(settings with { Schema = """{"required":["currency"]}""", Example = null });
        Assert.Equal((2, 2, """{"amount":2}""", null), (second.Version, second.Versions.Count, second.Versions[0].Example, second.Versions[1].Example));

        // Each publish may say which one it means.
        var old = EventToPublish.FromJson(application, "order.paid", """{"amount":1}""");
        Assert.Equal(["/data/currency"], (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Publisher.PublishAsync(old))).Errors.Keys);
        await platform.Publisher.PublishAsync(old with { Version = 1 });
        Assert.Equal(["version"], (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Publisher.PublishAsync(old with { Version = 3 }))).Errors.Keys);
        Assert.Equal(["version"], (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Publisher.PublishAsync(old with { Type = "other", Version = 1 }))).Errors.Keys);
        Assert.Equal("order.paid", Assert.Single(await types.ListAsync()).Name);
        Assert.Null(await types.FindAsync("order.PAID"));
    }

    [Fact]
    public async Task Set_WhatBreaksRules_TellsAllOfIt()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var settings = new EventTypeSettings("a..b") { Description = "\0", Schema = """{"properties":{"a":{"typ":"string"}}}""", Example = "{", DeprecationNote = "n" };
        var refused = await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Get<IWebhookEventTypes>().SetAsync(settings));
        Assert.Equal(["/example", "/schema/properties/a/typ", "deprecation_note", "description", "name"], refused.Errors.Keys.Order(StringComparer.Ordinal));
        refused = await Assert.ThrowsAsync<WebhookValidationException>(
            () => platform.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("a") { Schema = Schema, Example = """{"amount":1.5}""" }));
        Assert.Equal(["/example/amount"], refused.Errors.Keys);
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Get<IWebhookEventTypes>().ArchiveAsync("a"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_type"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT generation FROM webhooks.event_type_generation"));
    }

    [Fact]
    public async Task UnknownTypes_WhereTheyAreRefused_NeedARegistration_AndTheDispatchersOwnDoNot()
    {
        var database = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        WebhookApplicationId application;
        await using (var first = await Platform.StartAsync(connectionString: database, worker: false)) application = await first.Applications.CreateAsync("operations");
        await using var platform = await Platform.StartAsync(
            options =>
            {
                options.Publishing.UnknownTypes = UnknownEventTypes.Refused;
                options.Operations.Application = application.Value;
            },
            connectionString: database, worker: false);
        Assert.Equal(["type"], (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.PublishAsync(application))).Errors.Keys);
        await platform.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("order.paid"));
        await platform.PublishAsync(application);
        await platform.Get<IWebhookEventTypes>().ArchiveAsync("order.paid");
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.PublishAsync(application));
        Assert.NotNull((await platform.Get<IWebhookEventTypes>().FindAsync("order.paid"))!.ArchivedAt);

        // It begins with what happens from then on.
        await platform.Get<OperationsWebhooks>().RunOnceAsync(default);
        await platform.ExecuteAsync("INSERT INTO webhooks.operational_event (type, actor, data) VALUES ('epoch.raised', 'dispatcher', '{}')");
        await Platform.UntilAsync(
            async () =>
            {
                await platform.Get<OperationsWebhooks>().RunOnceAsync(default);
                return await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event WHERE type = 'epoch.raised'") == 1;
            },
            "an operational event is published though nobody registered its type", seconds: 30);
    }

    [Fact]
    public async Task Change_InAnotherProcess_IsSeenWithinASecond_ByThisOnesClock()
    {
        var database = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var one = await Platform.StartAsync(connectionString: database, worker: false);
        await using var other = await Platform.StartAsync(connectionString: database, worker: false, services: services => services.AddSingleton<TimeProvider>(clock));
        var application = await one.Applications.CreateAsync("a");
        await other.PublishAsync(application);
        await one.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("order.paid") { Schema = Schema });
        clock.Advance(TimeSpan.FromSeconds(1.01));
        await Assert.ThrowsAsync<WebhookValidationException>(() => other.PublishAsync(application));
        await one.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("order.paid"));
        clock.Advance(TimeSpan.FromSeconds(1.01));
        await other.PublishAsync(application);
        // And the other way round: where a change is made, it is seen at once.
        await other.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("order.paid") { Schema = Schema });
        await Assert.ThrowsAsync<WebhookValidationException>(() => other.PublishAsync(application));
    }

    [Fact]
    public async Task Types_OfAnotherOrganization_HoldForItsApplicationsOnly()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (own, others) = (await platform.Applications.CreateAsync("a"), await platform.Applications.CreateAsync("b"));
        var organization = await platform.ScalarAsync<long>("INSERT INTO webhooks.organization (id, name) VALUES ('org_' || repeat('a', 32), 'o') RETURNING organization");
        await platform.ExecuteAsync($"UPDATE webhooks.application SET organization = {organization} WHERE id = '{others}'");
        await platform.Get<IWebhookEventTypes>().SetAsync(new EventTypeSettings("order.paid") { Schema = Schema });
        await platform.PublishAsync(others);
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.PublishAsync(own));
    }
}
