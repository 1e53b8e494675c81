using System.Data.Common;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Docs.Tests.Snippets;
using Webhooks.Receiver;
using Webhooks.Testing;

namespace Webhooks.Docs.Tests;

/// <summary>
/// Promise 4 in each way that the guide shows: what a handler writes through its transaction is there once, whatever attempts failed before.
/// </summary>
public sealed class HandlerTransactionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("docs-").FullName;

    public static TheoryData<string, string> Ways => new()
    {
        { "PostgreSQL", "ADO.NET" }, { "PostgreSQL", "Dapper" }, { "PostgreSQL", "EF Core" }, { "SQLite", "ADO.NET" }, { "SQLite", "Dapper" },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Effect_OfAHandlerThatFailsAfterItsWork_IsThereOnceWhenItSucceeds(string store, string way)
    {
        var database = store == "PostgreSQL" ? await SharedPostgres.CreateDatabaseAsync() : null;
        await using DbDataSource shop = database is null
            ? SqliteFactory.Instance.CreateDataSource($"Data Source={Path.Combine(_folder, "shop.db")};Pooling=False")
            : NpgsqlDataSource.Create(database);
        await ExecuteAsync(shop, "CREATE TABLE invoice (id text PRIMARY KEY, status text NOT NULL); CREATE TABLE written (times bigint)");
        await ExecuteAsync(shop, "INSERT INTO invoice VALUES ('4711', 'open')");

        await using var sender = new TestSender();
        var probe = new WebhookProbe();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        var receiver = builder.Services.AddWebhookReceiver("platform", _ => { })
            .Handle("invoice.paid", ShopJson.Default.InvoicePaid, async (paid, context, cancellationToken) =>
            {
                // The guide's handler does its work; then something else goes wrong, once.
                await Handler(way).HandleAsync(paid, context, cancellationToken);
                await context.Connection.ExecuteAsync("INSERT INTO written VALUES (1)", transaction: context.Transaction);
                if (context.Attempt == 1) throw new InvalidOperationException("after the work");
            });
        if (database is not null) receiver.UsePostgreSqlInbox(database);
        else
            receiver.UseSqliteInbox(options => (options.InboxPath, options.ProcessedConnectionString) =
                (Path.Combine(_folder, "inbox.db"), $"Data Source={Path.Combine(_folder, "shop.db")}"));
        builder.Services.UseTestSender("platform", sender).AddWebhookProbe(probe);
        await using var app = builder.Build();
        app.MapWebhookReceiver("/hooks", "platform");
        await app.StartAsync();
        using var http = app.GetTestClient();
        sender.PostTo(http, "/hooks");

        await sender.PostAsync("invoice.paid", """{"invoice":"4711","amount_cents":1200}""");
        await sender.PostAsync(1);
        var handled = Assert.Single(await probe.UntilHandledAsync(1));

        Assert.Equal((Settlement.Processed, 2), (handled.How, handled.Attempts));
        Assert.Equal("paid", await ScalarAsync(shop, "SELECT status FROM invoice"));
        Assert.Equal(1L, await ScalarAsync(shop, "SELECT count(*) FROM written"));
        await app.StopAsync();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IWebhookHandler<InvoicePaid> Handler(string way) => way switch
    {
        "Dapper" => new InvoicePaidByDapper(),
        "EF Core" => new InvoicePaidByEfCore(),
        _ => new InvoicePaidByAdoNet(),
    };

    private static async Task ExecuteAsync(DbDataSource shop, string sql)
    {
        await using var connection = await shop.OpenConnectionAsync();
        await connection.ExecuteAsync(sql);
    }

    private static async Task<object?> ScalarAsync(DbDataSource shop, string sql)
    {
        await using var connection = await shop.OpenConnectionAsync();
        return await connection.ExecuteScalarAsync(sql);
    }
}
