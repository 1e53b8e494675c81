using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>What is set up wrongly says so at start; what is only away does not stop it.</summary>
public sealed class PostgreSqlSchemaTests
{
    [Fact]
    public async Task Migrate_OnSeveralNodesAtOnce_IsDoneOnce()
    {
        var schema = TestDatabase.NewSchema();
        var nodes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => TestDatabase.OpenAsync(schema)));
        await Task.WhenAll(nodes.Select(node => node.ReadyAsync(default)));
        Assert.Equal(1L, await TestDatabase.RunAsync($"SELECT count(*) FROM {schema}.migration"));
        foreach (var node in nodes) await node.DisposeAsync();
    }

    [Fact]
    public async Task Start_OnASchemaOfALaterVersion_SaysSo()
    {
        var schema = TestDatabase.NewSchema();
        await using (var node = await TestDatabase.OpenAsync(schema)) await node.ReadyAsync(default);
        await TestDatabase.RunAsync($"INSERT INTO {schema}.migration (number, name) VALUES (9999, 'later')");
        var database = await TestDatabase.ConnectionStringAsync();
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => TestApp.StartAsync(handlers: builder => builder.UsePostgreSqlInbox(options =>
            (options.ConnectionString, options.Schema) = (database, schema))));
        Assert.Contains("9999", error.Message, StringComparison.Ordinal);
        Assert.Contains(schema, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Where another role makes the schema, the application's may have no right to.</summary>
    [Fact]
    public async Task Start_OnASchemaThatIsUpToDate_NeedsNoRightToChangeIt()
    {
        var schema = TestDatabase.NewSchema();
        await using (var node = await TestDatabase.OpenAsync(schema)) await node.ReadyAsync(default);
        await TestDatabase.RunAsync(
            $"""
             CREATE ROLE {schema}_app LOGIN PASSWORD 'app';
             GRANT USAGE ON SCHEMA {schema} TO {schema}_app;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema}_app;
             """);
        var asApp = new NpgsqlConnectionStringBuilder(await TestDatabase.ConnectionStringAsync()) { Username = $"{schema}_app", Password = "app" }.ConnectionString;
        await using var app = TestDatabase.Open(asApp, schema);
        Assert.Equal([StoreOutcome.Stored], await app.StoreAsync("acme", [Sent.Stored(1)], new StoreRules(10), default));
        await (await app.LeadAsync("acme", default)).DisposeAsync();
    }

    [Fact]
    public async Task Start_WithoutTheDatabase_AnswersUnavailable_AndTakesDeliveriesWhenItIsThere()
    {
        await using var postgres = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { Durable = false });
        var database = await postgres.CreateDatabaseAsync();
        await postgres.StopAsync();
        await using var app = await TestApp.StartAsync(handlers: builder => builder.UsePostgreSqlInbox(database).Handle("order.changed", (_, _, _) => Task.CompletedTask));
        Assert.Equal(503, await app.DeliverAsync(1));
        await postgres.StartAgainAsync();
        await Wait.UntilAsync(async () => await app.DeliverAsync(1) == 204);
        await app.UntilProcessedAsync(1);
    }

    [Fact]
    public async Task Use_TheDataSourceOfTheServices_GivesHandlersItsTransactions()
    {
        await using var data = NpgsqlDataSource.Create(await TestDatabase.ConnectionStringAsync());
        var schema = TestDatabase.NewSchema();
        await TestDatabase.RunAsync($"CREATE TABLE effect_{schema} (seq bigint)");
        await using var app = await TestApp.StartAsync(
            services: services => services.AddSingleton(data),
            handlers: builder => builder.UsePostgreSqlInbox(options => options.Schema = schema).Handle("order.changed", async (one, context, token) =>
            {
                var transaction = Assert.IsType<NpgsqlTransaction>(context.Transaction);
                await using var command = new NpgsqlCommand($"INSERT INTO effect_{schema} VALUES ($1)", transaction.Connection, transaction)
                {
                    Parameters = { new() { Value = one.Seq!.Value } },
                };
                await command.ExecuteNonQueryAsync(token);
                if (context.Attempt == 1) throw new InvalidOperationException("the first attempt fails after its effect");
            }));
        Assert.Equal(204, await app.DeliverAsync(1));
        Assert.Equal(204, await app.DeliverAsync(2));
        await app.UntilProcessedAsync(2);
        Assert.Equal("1,2", await TestDatabase.RunAsync($"SELECT string_agg(seq::text, ',' ORDER BY seq) FROM effect_{schema}"));
    }

    [Fact]
    public async Task Use_WithoutDatabase_SaysWhatIsMissing()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => TestApp.StartAsync(handlers: builder => builder.UsePostgreSqlInbox()));
        Assert.Contains("NpgsqlDataSource", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"acme\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Schema", "Inbox; DROP TABLE orders")]
    [InlineData("Schema", "a23456789012345678901234567890123456789012")]
    [InlineData("LeaseDuration", "00:00:00")]
    [InlineData("IdleTransactionTimeout", "02:00:00")]
    [InlineData("ConnectionString", " ")]
    public void Use_WithAnOptionOutOfItsRange_NamesIt(string key, string value)
    {
        var builder = WebApplication.CreateSlimBuilder().Services.AddWebhookReceiver("acme", _ => { });
        var error = Assert.Throws<ArgumentException>(() => builder.UsePostgreSqlInbox(options =>
        {
            var property = typeof(PostgreSqlInboxOptions).GetProperty(key)!;
            property.SetValue(options, property.PropertyType == typeof(string) ? value : TimeSpan.Parse(value, System.Globalization.CultureInfo.InvariantCulture));
        }));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains("\"acme\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Use_TheSamePlaceForTwoSources_IsOneInbox()
    {
        var database = await TestDatabase.ConnectionStringAsync();
        var host = WebApplication.CreateSlimBuilder();
        foreach (var name in (string[])["a", "b"])
            host.Services.AddWebhookReceiver(name, options => options.Secrets.Add(TestApp.Secret.Reveal())).UsePostgreSqlInbox(database);
        await using var app = host.Build();
        var registry = app.Services.GetRequiredService<ReceiverRegistry>();
        Assert.Same(registry.Get("a").Inbox, registry.Get("b").Inbox);
    }
}
