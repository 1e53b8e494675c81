using Npgsql;

namespace Webhooks.Testing.Tests;

/// <summary>Backups, restores and standbys: what a rehearsal of a failure needs.</summary>
public class PostgresCopyTests
{
    private const string Timeline = "SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)";

    [Theory]
    [InlineData(RestoreMode.NewTimeline, "00000002")]
    [InlineData(RestoreMode.SameTimeline, "00000001")]
    public async Task Backup_Restored_HasWhatWasThereThen_AndTheTimelineAskedFor(RestoreMode mode, string timeline)
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await Sql.ExecuteAsync(postgres.ConnectionString, "CREATE TABLE kept AS SELECT 1 AS n");
        using var backup = await postgres.BackUpAsync();
        await Sql.ExecuteAsync(postgres.ConnectionString, "INSERT INTO kept VALUES (2)");
        await postgres.StopAsync();

        await using var restored = await backup.RestoreAsync(mode, new PrivatePostgresOptions { Port = postgres.Port });
        Assert.Equal(postgres.ConnectionString, restored.ConnectionString);
        Assert.Equal("1", await Sql.ScalarAsync(restored.ConnectionString, "SELECT max(n) FROM kept"));
        Assert.Equal(timeline, await Sql.ScalarAsync(restored.ConnectionString, Timeline));
        await Sql.ExecuteAsync(restored.ConnectionString, "INSERT INTO kept VALUES (3)");
        await restored.RestartAsync();
        Assert.Equal(timeline, await Sql.ScalarAsync(restored.ConnectionString, Timeline));
    }

    [Fact]
    public async Task Standby_FollowsCanBeReadAndRestarted_AndGoesOnAloneWhenPromoted()
    {
        await using var primary = await PrivatePostgres.StartAsync();
        await Sql.ExecuteAsync(primary.ConnectionString, "CREATE TABLE kept AS SELECT 1 AS n");
        await using var standby = await primary.StartStandbyAsync();
        await Sql.ExecuteAsync(primary.ConnectionString, "INSERT INTO kept VALUES (2)");
        await UntilAsync(async () => await Sql.ScalarAsync(standby.ConnectionString, "SELECT max(n) FROM kept") == "2");
        await standby.RestartAsync();
        await Assert.ThrowsAsync<PostgresException>(() => Sql.ExecuteAsync(standby.ConnectionString, "INSERT INTO kept VALUES (3)"));

        await primary.KillAsync();
        await standby.PromoteAsync();
        await Sql.ExecuteAsync(standby.ConnectionString, "INSERT INTO kept VALUES (3)");
        Assert.Equal("00000002", await Sql.ScalarAsync(standby.ConnectionString, Timeline));
        await Assert.ThrowsAsync<PostgresException>(() => standby.PromoteAsync());
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var until = DateTime.UtcNow.AddSeconds(20);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < until, "It did not come about in 20 s.");
            await Task.Delay(10);
        }
    }
}
