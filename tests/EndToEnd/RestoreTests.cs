using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Receiver;
using Webhooks.Testing;

namespace Webhooks.EndToEnd;

/// <summary>
/// A platform's database loses commits: restores and failovers with real servers. The numbers of what was lost are given again, to other events,
/// and none of those may be taken for a duplicate.
/// </summary>
public class RestoreTests
{
    private const int Kept = 10;
    private const int Lost = 5;

    [Theory]
    [InlineData(RestoreMode.NewTimeline)]
    [InlineData(RestoreMode.SameTimeline)]
    public async Task Restore_FromAnOlderBackup_ReceiverTakesTheNewEvents_AndListsWhatItProcessedBefore(RestoreMode mode)
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using var rehearsal = await Rehearsal.StartAsync(await postgres.CreateDatabaseAsync());
        await rehearsal.UntilProcessedAsync(await rehearsal.PublishAsync(Kept));
        using var backup = await postgres.BackUpAsync();
        await rehearsal.UntilProcessedAsync(await rehearsal.PublishAsync(Lost));
        await rehearsal.StopPlatformAsync();
        await postgres.StopAsync();

        await using var restored = await backup.RestoreAsync(mode, new PrivatePostgresOptions { Port = postgres.Port });
        if (mode == RestoreMode.SameTimeline)
        {
            // Nothing tells the copy from the server it was made of: the runbook's command, from a process that does not number.
            await rehearsal.StartPlatformAsync(worker: false);
            await rehearsal.Platform.GetRequiredService<IWebhookDispatcherAdministration>().RaiseEpochAsync("restored from a copy of the files");
            await rehearsal.StopPlatformAsync();
        }

        await rehearsal.StartPlatformAsync();
        var next = await rehearsal.PublishAsync(Lost + 2);
        await rehearsal.UntilProcessedAsync(next);
        await AssertHealedAsync(rehearsal, next);
    }

    [Fact]
    public async Task Restore_OfACopyWithoutTheCommand_IsSurfacedAsAConflict_AndNothingIsTakenForADuplicate()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using var rehearsal = await Rehearsal.StartAsync(await postgres.CreateDatabaseAsync());
        await rehearsal.UntilProcessedAsync(await rehearsal.PublishAsync(Kept));
        using var backup = await postgres.BackUpAsync();
        await rehearsal.UntilProcessedAsync(await rehearsal.PublishAsync(Lost));
        await rehearsal.StopPlatformAsync();
        await postgres.StopAsync();

        await using var restored = await backup.RestoreAsync(RestoreMode.SameTimeline, new PrivatePostgresOptions { Port = postgres.Port });
        await rehearsal.StartPlatformAsync();
        var next = Assert.Single(await rehearsal.PublishAsync(1));
        await Rehearsal.UntilAsync(
            async () => await rehearsal.ReceiverAsync() is { IsBlocked: true, Hold.Reason: HoldReason.StreamConflict },
            async () => $"the receiver is blocked by a conflict; it is {await rehearsal.ReceiverAsync()}");
        // Refused, not confirmed: the sender still has it.
        Assert.Equal((Kept, Kept + 1), ((int)(await rehearsal.SenderAsync()).Cursor, (int)(await rehearsal.SenderAsync()).Head));
        Assert.DoesNotContain(next, rehearsal.Effects.Select(effect => effect.EventId));
    }

    [Fact]
    public async Task Failover_ToAStandbyThatLacksCommits_UnderARunningDispatcher_SeveralHosts()
    {
        await using var primary = await PrivatePostgres.StartAsync();
        var database = new NpgsqlConnectionStringBuilder(await primary.CreateDatabaseAsync());
        await using var standby = await primary.StartStandbyAsync();
        var hosts = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Host = $"127.0.0.1:{primary.Port},127.0.0.1:{standby.Port}", HostRecheckSeconds = 1 };
        hosts.Remove("Port");
        await using var rehearsal = await Rehearsal.StartAsync(hosts.ConnectionString);
        await LoseAsync(rehearsal, standby, new NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = standby.Port });
        await primary.KillAsync();
        await standby.PromoteAsync();

        var next = await rehearsal.PublishAsync(Lost + 2);
        await rehearsal.UntilProcessedAsync(next);
        await AssertHealedAsync(rehearsal, next);
    }

    [Fact]
    public async Task Failover_ToAStandbyThatLacksCommits_UnderARunningDispatcher_SameAddress()
    {
        await using var primary = await PrivatePostgres.StartAsync();
        var database = await primary.CreateDatabaseAsync();
        using var folder = new KeptFolder();
        var standby = await primary.StartStandbyAsync(new PrivatePostgresOptions { DataDirectory = folder.Path });
        await using var rehearsal = await Rehearsal.StartAsync(database);
        await LoseAsync(rehearsal, standby, new NpgsqlConnectionStringBuilder(database) { Port = standby.Port });
        await primary.KillAsync();
        await standby.DisposeAsync();

        // The dispatcher finds it while it cannot be written yet, and its connections live on over the promotion.
        await using var moved = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataDirectory = folder.Path, Port = primary.Port });
        await Task.Delay(500);
        await moved.PromoteAsync();
        var next = await rehearsal.PublishAsync(Lost + 2);
        await rehearsal.UntilProcessedAsync(next);
        await AssertHealedAsync(rehearsal, next);
    }

    /// <summary>Delivers events of which the standby knows the first ones only.</summary>
    private static async Task LoseAsync(Rehearsal rehearsal, PrivatePostgres standby, NpgsqlConnectionStringBuilder copy)
    {
        await rehearsal.UntilProcessedAsync(await rehearsal.PublishAsync(Kept));
        await using var data = NpgsqlDataSource.Create(copy);
        await Rehearsal.UntilAsync(async () => await HasAsync(data), () => Task.FromResult("the standby has it"));
        await using var own = NpgsqlDataSource.Create(standby.ConnectionString);
        await ScalarAsync(own, "ALTER SYSTEM SET primary_conninfo = ''");
        await ScalarAsync(own, "SELECT pg_reload_conf()");
        await Rehearsal.UntilAsync(async () => await ScalarAsync(own, "SELECT count(*) FROM pg_stat_wal_receiver") is 0L, () => Task.FromResult("the standby stops following"));
        await rehearsal.UntilProcessedAsync(await rehearsal.PublishAsync(Lost));
    }

    private static async Task<bool> HasAsync(NpgsqlDataSource copy)
    {
        try
        {
            return await ScalarAsync(copy, "SELECT max(cursor) FROM webhooks.settlement") is (long)Kept;
        }
        catch (PostgresException)
        {
            // Not even the tables have arrived.
            return false;
        }
    }

    private static async Task AssertHealedAsync(Rehearsal rehearsal, List<string> next)
    {
        var sender = await rehearsal.SenderAsync();
        Assert.True(sender.Epoch > 1);
        Assert.Equal(Kept + 1, sender.EpochStart);

        await Rehearsal.UntilAsync(
            async () => (await rehearsal.ReceiverAsync()).Watermark == sender.Head, async () => $"the receiver is at {sender.Head}; it is {await rehearsal.ReceiverAsync()}");
        var receiver = await rehearsal.ReceiverAsync();
        Assert.Null(receiver.Hold);
        Assert.Equal(sender.Epoch, receiver.Epoch);
        Assert.Equal(new PassedRange(1, Kept + 1, Kept + Lost, "superseded"), Assert.Single(receiver.Passed));

        // Everything had its effect once; what was published last has the numbers of what was lost.
        var effects = rehearsal.Effects;
        Assert.Equal(effects.Count, effects.Select(effect => effect.EventId).Distinct().Count());
        Assert.Empty(rehearsal.Published.Except(effects.Select(effect => effect.EventId)));
        var afterwards = effects.Skip(Kept + Lost).ToList();
        Assert.Equal(Enumerable.Range(Kept + 1, afterwards.Count).Select(seq => (long)seq), afterwards.Select(effect => effect.Seq));
        Assert.Equal(next, afterwards.Select(effect => effect.EventId).Where(next.Contains));

        await using var data = NpgsqlDataSource.Create(rehearsal.Platform.GetRequiredService<Microsoft.Extensions.Options.IOptions<WebhookDispatcherOptions>>().Value.ConnectionString);
        var raises = await ScalarAsync(data, "SELECT count(*) FROM webhooks.operational_event WHERE type = 'stream.epoch_raised'");
        Assert.Equal(1L, raises);
    }

    private static async Task<object?> ScalarAsync(NpgsqlDataSource data, string sql)
    {
        await using var command = data.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>A folder that a server running as another user can reach, also when this process is root.</summary>
    private sealed class KeptFolder : IDisposable
    {
        private readonly DirectoryInfo _parent = Directory.CreateDirectory($"/tmp/webhooks-kept-{Guid.NewGuid():N}");

        public string Path => System.IO.Path.Combine(_parent.FullName, "standby");

        public void Dispose() => _parent.Delete(recursive: true);
    }
}
