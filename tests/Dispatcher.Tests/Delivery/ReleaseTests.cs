using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 1: an endpoint is handed back as idle only if nothing came up at that very moment.</summary>
public class ReleaseTests
{
    /// <summary>The one who hands back waits for the row, and then judges by what it read before: it must notice that the row is another one.</summary>
    [Theory]
    [InlineData("rewind")]
    [InlineData("replay")]
    public async Task ReleaseIdle_OperatorActsWhileItWaits_HandsNothingBack(string act)
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        var lease = Assert.Single(await platform.ClaimAsync(1));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, new Settlement(0, [new SettledRun(1, 3, "delivered")], 3, []), forgetFailures: false));

        var database = platform.Get<WebhookDatabase>();
        await using var connection = await database.OpenAsync(default);
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var held = database.Command(connection, "Delivery/lock_state", endpoint.Id.Value)) await held.ExecuteNonQueryAsync();
        var releasing = platform.Get<LeaseStore>().ReleaseIdleAsync(lease, default);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1, "it waits for the row");
        foreach (var step in act == "rewind"
            ? new[]
            {
                database.Command(connection, "Delivery/move_cursor", lease.Endpoint, lease.Bucket, 2L, 3L, "rewound", 1L),
                database.Command(connection, "Delivery/resume", lease.Endpoint, false, 0, TimeSpan.Zero),
            }
            : [database.Command(connection, "Delivery/replay", lease.Endpoint, lease.Bucket, 1L, 3L, 3L)])
        {
            await using (step) await step.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
        Assert.False(await releasing);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NOT NULL"));
    }
}
