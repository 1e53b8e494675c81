using System.Globalization;
using Npgsql;

namespace Webhooks.Testing.Tests;

public class PrivatePostgresTests
{
    [Fact]
    public async Task Start_GivesAServerThatAnswers_AndDisposeLeavesNothing()
    {
        string folder;
        int process;
        await using (var postgres = await PrivatePostgres.StartAsync())
        {
            (folder, process) = (postgres.DataDirectory, postgres.ProcessId);
            Assert.Equal("on", await Sql.ScalarAsync(postgres.ConnectionString, "SHOW fsync"));
            Assert.Equal("UTF8", await Sql.ScalarAsync(postgres.ConnectionString, "SHOW server_encoding"));
            Assert.Equal("200", await Sql.ScalarAsync(postgres.ConnectionString, "SHOW max_connections"));
            Assert.True(postgres.Version.Major >= 10);
            Assert.True(postgres.IsRunning);
            Assert.True(Directory.Exists(folder));
        }

        Assert.False(ProcessTable.IsAlive(process));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task Start_TwoAtOnce_BothRun()
    {
        var both = await Task.WhenAll(PrivatePostgres.StartAsync(), PrivatePostgres.StartAsync());
        await using var first = both[0];
        await using var second = both[1];
        Assert.NotEqual(first.Port, second.Port);
        await Sql.ExecuteAsync(first.ConnectionString, "CREATE TABLE here (n int)");
        Assert.Equal("", await Sql.ScalarAsync(second.ConnectionString, "SELECT to_regclass('here')::text"));
    }

    [Fact]
    public async Task Connect_WithoutThePassword_IsRefused()
    {
        var postgres = await SharedPostgres.GetAsync();
        var wrong = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Password = "wrong", Pooling = false }.ToString();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => Sql.ScalarAsync(wrong, "SELECT 1"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task Options_NotDurableWithSettings_ReachTheServer()
    {
        var options = new PrivatePostgresOptions { Durable = false, MaxConnections = 33, Settings = { ["work_mem"] = "7MB", ["application_name"] = "it's" } };
        await using var postgres = await PrivatePostgres.StartAsync(options);
        Assert.Equal("off", await Sql.ScalarAsync(postgres.ConnectionString, "SHOW fsync"));
        Assert.Equal("33", await Sql.ScalarAsync(postgres.ConnectionString, "SHOW max_connections"));
        Assert.Equal("7MB", await Sql.ScalarAsync(postgres.ConnectionString, "SHOW work_mem"));
        Assert.Equal("it's", await Sql.ScalarAsync(postgres.ConnectionString, "SELECT reset_val FROM pg_settings WHERE name = 'application_name'"));
    }

    [Theory]
    [InlineData("no such = setting")]
    [InlineData("")]
    public async Task Options_SettingWithABadName_IsRefusedBeforeAnythingIsMade(string name)
    {
        var options = new PrivatePostgresOptions { Settings = { [name] = "1" } };
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => PrivatePostgres.StartAsync(options));
        Assert.Contains("Settings", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_ServerRefusesASetting_TheMessageHasItsLog()
    {
        var options = new PrivatePostgresOptions { Settings = { ["max_wal_senders"] = "plenty" } };
        var failed = await Assert.ThrowsAsync<PostgresStartException>(() => PrivatePostgres.StartAsync(options));
        Assert.Contains("invalid value for parameter \"max_wal_senders\"", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_PortTaken_SaysSo()
    {
        var other = await SharedPostgres.GetAsync();
        var failed = await Assert.ThrowsAsync<PostgresStartException>(
            () => PrivatePostgres.StartAsync(new PrivatePostgresOptions { Port = other.Port }));
        Assert.Contains(other.Port.ToString(CultureInfo.InvariantCulture), failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_BinariesMissing_SaysWhatToInstall()
    {
        var empty = Directory.CreateTempSubdirectory("webhooks-test-");
        try
        {
            var missing = await Assert.ThrowsAsync<PostgresNotFoundException>(
                () => PrivatePostgres.StartAsync(new PrivatePostgresOptions { BinaryDirectory = empty.FullName }));
            foreach (var part in new[] { empty.FullName, "apt-get install postgresql", "brew install", "winget install", "WEBHOOKS_POSTGRES_BIN" })
                Assert.Contains(part, missing.Message, StringComparison.Ordinal);
        }
        finally
        {
            empty.Delete();
        }
    }

    [Fact]
    public async Task Start_AsRoot_ServerRunsAsSomebodyElse()
    {
        if (!OperatingSystem.IsLinux()) return;
        var postgres = await SharedPostgres.GetAsync();
        var status = await File.ReadAllLinesAsync($"/proc/{postgres.ProcessId}/status");
        var users = status.Single(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1..];
        Assert.DoesNotContain("0", users);
    }

    [Fact]
    public async Task CreateDatabase_ManyAtOnce_EachIsEmptyAndItsOwn()
    {
        var databases = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SharedPostgres.CreateDatabaseAsync()));
        foreach (var database in databases)
        {
            await Sql.ExecuteAsync(database, "CREATE TABLE mine (n int)");
            Assert.Equal("0", await Sql.ScalarAsync(database, "SELECT count(*) FROM mine"));
        }
    }

    [Fact]
    public async Task CreateDatabase_NameTaken_IsThePostgresError()
    {
        var postgres = await SharedPostgres.GetAsync();
        const string Name = "with \"quotes\" and spaces";
        Assert.Equal(Name, await Sql.ScalarAsync(await postgres.CreateDatabaseAsync(Name), "SELECT current_database()"));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => postgres.CreateDatabaseAsync(Name));
        Assert.Equal(PostgresErrorCodes.DuplicateDatabase, refused.SqlState);
    }
}
