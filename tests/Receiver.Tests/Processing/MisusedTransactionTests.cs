using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver.Tests;

/// <summary>What a handler does to the transaction it is given is its failure: counted, told with its event, and never repeated without end.</summary>
public sealed class MisusedTransactionTests
{
    [Theory]
    [InlineData("commit", true)]
    [InlineData("COMMIT", true)]
    [InlineData("ROLLBACK", true)]
    [InlineData("swallowed", true)]
    [InlineData("deferred", true)]
    [InlineData("commit", false)]
    [InlineData("COMMIT", false)]
    [InlineData("ROLLBACK", false)]
    [InlineData("deferred", false)]
    public async Task Handler_ThatSpoilsItsTransaction_FailsAndIsParked_AndTheStreamGoesOn(string how, bool postgres)
    {
        var (database, schema, calls) = (await TestDatabase.ConnectionStringAsync(), TestDatabase.NewSchema(), 0);
        await using var app = await TestApp.StartAsync(
            options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (2, ExhaustedPolicy.Park),
            builder =>
            {
                if (postgres) builder.UsePostgreSqlInbox(options => (options.ConnectionString, options.Schema) = (database, schema));
                builder.Handle("order.changed", async (one, context, cancel) =>
                {
                    if (one.Seq != 1) return;
                    calls++;
                    await SpoilAsync(how, context, cancel);
                });
            });
        Assert.Equal(204, await app.DeliverAsync(1));
        Assert.Equal(204, await app.DeliverAsync(2));
        await app.UntilProcessedAsync(2);
        var status = await app.Status.GetAsync(TestApp.Source);
        Assert.Empty(status.Troubles);
        // On SQLite the mark stands in the transaction that the handler commits, and so is committed with its effect.
        var settled = !postgres && (how is "commit" or "COMMIT");
        Assert.Equal((settled ? 1 : 2, settled ? 0 : 1), (calls, status.Counts.Parked));
        Assert.Equal(settled ? HealthStatus.Healthy : HealthStatus.Degraded, await app.HealthAsync());
    }

    [Fact]
    public async Task Handler_ThatNeverReturns_IsToldByHealthWithItsEvent()
    {
        var ends = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(
            options => options.HandlerTimeout = TimeSpan.FromMilliseconds(50), builder => builder.Handle("order.changed", (_, _, _) => ends.Task));
        Assert.Equal(204, await app.DeliverAsync(1));
        await Wait.UntilAsync(async () => await app.HealthAsync() == HealthStatus.Unhealthy);
        Assert.Contains("evt_1_1 (number 1)", Assert.Single((await app.Status.GetAsync(TestApp.Source)).Overdue), StringComparison.Ordinal);
        var report = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Contains("has not ended within 00:00:00.05", report.Entries.Single().Value.Description, StringComparison.Ordinal);
        ends.SetResult();
        await app.UntilProcessedAsync(1);
        await Wait.UntilAsync(async () => await app.HealthAsync() == HealthStatus.Healthy);
    }

    private static async Task SpoilAsync(string how, WebhookHandlerContext context, CancellationToken cancel)
    {
        switch (how)
        {
            case "commit":
                await context.Transaction!.CommitAsync(cancel);
                break;
            case "swallowed":
                await Assert.ThrowsAnyAsync<DbException>(() => ExecuteAsync(context, "SELECT 1/0", cancel));
                break;
            case "deferred":
                await ExecuteAsync(context, "CREATE TABLE IF NOT EXISTS parent (id integer PRIMARY KEY)", cancel);
                await ExecuteAsync(context, "CREATE TABLE IF NOT EXISTS child (parent integer REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)", cancel);
                await ExecuteAsync(context, "INSERT INTO child VALUES (7)", cancel);
                break;
            default:
                await ExecuteAsync(context, how, cancel);
                break;
        }
    }

    private static async Task ExecuteAsync(WebhookHandlerContext context, string sql, CancellationToken cancel)
    {
        await using var command = context.Connection!.CreateCommand();
        (command.CommandText, command.Transaction) = (sql, context.Transaction);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
