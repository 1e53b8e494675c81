using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Sequencing;

/// <summary>Promises 1 and 2: a publish that commits late is found late, and is not forgotten.</summary>
public class LateCommitTests
{
    /// <summary>
    /// A transaction that drew its place before another one, and its transaction id after it. The server's own idea of the newest transaction
    /// counts only ended ones, so the one still open lay beyond it and was given up for dead: its event was lost.
    /// </summary>
    [Fact]
    public async Task Sequence_OpenTransactionYoungerThanAllThatEnded_ItsEventIsNotGivenUp()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var bucket = WebhookApplications.Bucket(application);
        var sequencer = platform.Get<Sequencer>();
        await sequencer.RunOnceAsync(bucket, default);

        await using var older = await platform.Data.OpenConnectionAsync();
        await using var olderTransaction = await older.BeginTransactionAsync();
        await using (var write = new NpgsqlCommand("SELECT pg_current_xact_id()", older)) await write.ExecuteNonQueryAsync();
        await using var younger = await platform.Data.OpenConnectionAsync();
        await using var youngerTransaction = await younger.BeginTransactionAsync();
        var late = await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "late", "1"), youngerTransaction);
        await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "early", "2"), olderTransaction);
        await olderTransaction.CommitAsync();

        Assert.Equal(1, (await sequencer.RunOnceAsync(bucket, default)).Events);
        await platform.PublishAsync(application);
        Assert.Equal(1, (await sequencer.RunOnceAsync(bucket, default)).Events);
        await youngerTransaction.CommitAsync();
        Assert.Contains(bucket, await sequencer.FindPendingAsync([bucket], default));
        Assert.Equal(1, (await sequencer.RunOnceAsync(bucket, default)).Events);

        Assert.Equal(3, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
        Assert.Equal(late.Value[4..], await platform.ScalarAsync<string>(
            "SELECT replace(e.id::text, '-', '') FROM webhooks.delivery d JOIN webhooks.event e USING (bucket, position) WHERE seq = 3"));
    }

    [Fact]
    public async Task Publish_TransactionHeldOpen_OthersAreDeliveredAndItsEventWhenItCommits()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "held", "\"held\""), transaction);
        for (var i = 0; i < 30; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(30);
        await transaction.CommitAsync();
        await platform.Publisher.WakeAsync();
        var last = await receiver.WaitForAsync(request => request.Text.Contains("\"held\"", StringComparison.Ordinal));
        Assert.Contains("\"seq\":31,", last.Text);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 31);
    }
}
