using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Epochs;

/// <summary>What real servers do: restarts and crashes raise nothing, older copies do.</summary>
public class ServerTests
{
    [Theory]
    [InlineData(ShutdownMode.Fast)]
    [InlineData(ShutdownMode.Immediate)]
    public async Task Restart_OfTheServer_UnderARunningDispatcher_RaisesNothing(ShutdownMode mode)
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(connectionString: await postgres.CreateDatabaseAsync());
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var round = 1; round <= 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => platform.PublishAsync(application)));
            await postgres.RestartAsync(mode);
            await Platform.UntilAsync(() => PublishedAsync(platform, application), "publishing works again");
        }

        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head >= 63 && stream.Cursor == stream.Head);
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Epoch);
    }

    [Fact]
    public async Task Kill_OfTheServer_RaisesNothing()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using var platform = await Platform.StartAsync(connectionString: await postgres.CreateDatabaseAsync());
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 1);
        await postgres.KillAsync();
        await postgres.StartAgainAsync();
        await Platform.UntilAsync(() => PublishedAsync(platform, application), "publishing works again");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head >= 2);
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Epoch);
    }

    [Fact]
    public async Task OlderCopyOfTheFiles_SameTimeline_UnderARunningDispatcher_IsNoticedByItsLog()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using var platform = await Platform.StartAsync(connectionString: await postgres.CreateDatabaseAsync());
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 1);
        using var backup = await postgres.BackUpAsync();
        // More than the little that the copy's own recovery writes.
        for (var i = 0; i < 20; i++) await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "large", $"\"{new string('x', 100_000)}\""));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 21);
        await postgres.StopAsync();

        await using var restored = await backup.RestoreAsync(RestoreMode.SameTimeline, new PrivatePostgresOptions { Port = postgres.Port });
        await Platform.UntilAsync(() => PublishedAsync(platform, application), "publishing works again");
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head >= 2 && stream.Epoch > 1);
        Assert.Equal(2, stream.EpochStart);
        Assert.Equal("log_went_back", await platform.ScalarAsync<string>("SELECT data->>'change' FROM webhooks.operational_event WHERE type = 'stream.epoch_raised'"));
    }

    [Fact]
    public async Task Restore_IntoAnotherCluster_RaisesAtStart()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using var platform = await Platform.StartAsync(connectionString: await postgres.CreateDatabaseAsync(), worker: false);
        // What pg_restore brings into a new cluster: the row, and another server under it.
        await platform.ExecuteAsync("UPDATE webhooks.database_identity SET system_identifier = system_identifier + 1");
        await using var moved = await Platform.StartAsync(connectionString: platform.ConnectionString, worker: false);
        Assert.Equal("system_identifier_changed", await moved.ScalarAsync<string>("SELECT data->>'change' FROM webhooks.operational_event WHERE type = 'stream.epoch_raised'"));
    }

    [Fact]
    public async Task OrdinaryRole_MayReadTheIdentity_AndOneThatMayNotStillStarts()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var superuser = NpgsqlDataSource.Create(database);
        await ExecuteAsync(superuser, "CREATE ROLE ordinary LOGIN PASSWORD 'secret'");
        await ExecuteAsync(superuser, $"GRANT ALL ON DATABASE \"{new NpgsqlConnectionStringBuilder(database).Database}\" TO ordinary");
        var ordinary = new NpgsqlConnectionStringBuilder(database) { Username = "ordinary", Password = "secret" }.ConnectionString;

        await ExecuteAsync(superuser, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
        await using (var without = await Platform.StartAsync(connectionString: ordinary, worker: false))
            Assert.Equal("||1", await without.ScalarAsync<string>("SELECT concat(system_identifier, '||', timeline) FROM webhooks.database_identity"));
        await ExecuteAsync(superuser, "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
        await using var with = await Platform.StartAsync(connectionString: ordinary, worker: false);
        Assert.True(await with.ScalarAsync<bool>("SELECT i.system_identifier = c.system_identifier FROM webhooks.database_identity i, pg_control_system() c"));
        Assert.Equal(1, await with.ScalarAsync<int>("SELECT epoch FROM webhooks.database_identity"));
    }

    [Fact]
    public async Task SeveralHosts_StandbyFirst_ThePrimaryIsUsedAndListenedTo()
    {
        await using var primary = await PrivatePostgres.StartAsync();
        var database = await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync();
        var hosts = new NpgsqlConnectionStringBuilder(database) { Host = $"127.0.0.1:{standby.Port},127.0.0.1:{primary.Port}" };
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(connectionString: hosts.ConnectionString);
        var (application, _) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await receiver.WaitForAsync(1);
        await using var own = NpgsqlDataSource.Create(database);
        await Platform.UntilAsync(
            async () =>
            {
                await using var command = own.CreateCommand("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()");
                return await command.ExecuteScalarAsync() is 1L;
            },
            "the dispatcher listens");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource data, string sql)
    {
        await using var command = data.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<bool> PublishedAsync(Platform platform, WebhookApplicationId application)
    {
        try
        {
            await platform.PublishAsync(application);
            return true;
        }
        // The database is not there, or was not when the commit was to be confirmed.
        catch (Exception exception) when (exception is NpgsqlException or WebhookPublishException)
        {
            return false;
        }
    }
}
