using System.Diagnostics;
using Npgsql;

namespace Webhooks.Testing.Tests;

/// <summary>Stops, kills, restarts, and what a killed process leaves.</summary>
public class PostgresLifeTests
{
    [Fact]
    public async Task Restart_Immediate_KeepsCommitsPortAndConnectionString()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        var (before, process) = (postgres.ConnectionString, postgres.ProcessId);
        await Sql.ExecuteAsync(before, "CREATE TABLE kept AS SELECT 42 AS n");
        await postgres.RestartAsync(ShutdownMode.Immediate);
        Assert.Equal(before, postgres.ConnectionString);
        Assert.NotEqual(process, postgres.ProcessId);
        Assert.Equal("42", await Sql.ScalarAsync(before, "SELECT n FROM kept"));
    }

    [Fact]
    public async Task Kill_ThenStartAgain_KeepsCommits_AndChildrenAreGone()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await Sql.ExecuteAsync(postgres.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS n");
        var children = ProcessTable.ChildrenOf(postgres.ProcessId);
        Assert.NotEmpty(children);
        await postgres.KillAsync();
        Assert.False(postgres.IsRunning);
        Assert.DoesNotContain(children, ProcessTable.IsAlive);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => Sql.ScalarAsync(postgres.ConnectionString, "SELECT 1"));
        await postgres.StartAgainAsync();
        Assert.Equal("42", await Sql.ScalarAsync(postgres.ConnectionString, "SELECT n FROM kept"));
    }

    [Fact]
    public async Task Stop_Smart_WaitsForClients_AndGivesUpWhenTold()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await using (var client = new NpgsqlConnection(postgres.ConnectionString + ";Pooling=false"))
        {
            await client.OpenAsync();
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => postgres.StopAsync(ShutdownMode.Smart, patience.Token));
            Assert.True(postgres.IsRunning);
        }

        await postgres.StopAsync(ShutdownMode.Smart);
        Assert.False(postgres.IsRunning);
        await postgres.StopAsync();
    }

    [Fact]
    public async Task KeptDirectory_SurvivesDisposeAndAStalePidFile()
    {
        var parent = Directory.CreateDirectory(Path.Combine("/tmp", "webhooks-test-" + Guid.NewGuid().ToString("N")[..8]));
        var options = new PrivatePostgresOptions { DataDirectory = Path.Combine(parent.FullName, "kept") };
        try
        {
            await using (var first = await PrivatePostgres.StartAsync(options))
            {
                await Sql.ExecuteAsync(first.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS n");
                await Assert.ThrowsAsync<InvalidOperationException>(() => PrivatePostgres.StartAsync(options));
            }

            // A number that a living process has: PostgreSQL alone would refuse to start.
            await File.WriteAllTextAsync(
                Path.Combine(options.DataDirectory, "data", "postmaster.pid"), $"{Environment.ProcessId}\n{options.DataDirectory}/data\n0\n1\n\n\n\nready\n");
            await using (var second = await PrivatePostgres.StartAsync(options))
                Assert.Equal("42", await Sql.ScalarAsync(second.ConnectionString, "SELECT n FROM kept"));
            Assert.True(Directory.Exists(options.DataDirectory));
        }
        finally
        {
            parent.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task KeptDirectory_InitialisationCutShort_IsBegunAgain()
    {
        var parent = Directory.CreateDirectory(Path.Combine("/tmp", "webhooks-test-" + Guid.NewGuid().ToString("N")[..8]));
        var options = new PrivatePostgresOptions { DataDirectory = Path.Combine(parent.FullName, "kept"), Durable = false };
        try
        {
            await using (var first = await PrivatePostgres.StartAsync(options)) Assert.True(first.IsRunning);
            // As it looks when the process is killed before initdb has ended.
            File.Delete(Path.Combine(options.DataDirectory, "password"));
            await File.WriteAllTextAsync(
                Path.Combine(options.DataDirectory, "owner"), (ProcessIdentity.Current with { Started = "1" }).Text);
            await using var second = await PrivatePostgres.StartAsync(options);
            Assert.Equal("1", await Sql.ScalarAsync(second.ConnectionString, "SELECT 1"));
        }
        finally
        {
            parent.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task KeptDirectory_OfSomethingElse_IsRefusedAndUntouched()
    {
        var folder = Directory.CreateTempSubdirectory("webhooks-test-");
        try
        {
            var file = Path.Combine(folder.FullName, "thesis.txt");
            await File.WriteAllTextAsync(file, "mine");
            await Assert.ThrowsAsync<InvalidOperationException>(
                () => PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataDirectory = folder.FullName }));
            Assert.Equal([file], Directory.EnumerateFileSystemEntries(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Start_RemovesLeftoversOfEndedProcesses_AndNothingElse()
    {
        var ended = Process.Start(new ProcessStartInfo("sleep", "600"))!;
        var identity = new ProcessIdentity(ended.Id, ProcessTable.StartOf(ended.Id)!, ProcessTable.OwnNamespace);
        var leftOver = Directory.CreateTempSubdirectory("webhooks-pg-");
        var inUse = Directory.CreateTempSubdirectory("webhooks-pg-");
        var justBegun = Directory.CreateTempSubdirectory("webhooks-pg-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(leftOver.FullName, "owner"), identity.Text);
            await File.WriteAllTextAsync(Path.Combine(inUse.FullName, "owner"), ProcessIdentity.Current.Text);
            await DataFolder.RemoveLeftoversAsync(CancellationToken.None);
            Assert.True(leftOver.Exists);

            ended.Kill();
            await ended.WaitForExitAsync();
            await DataFolder.RemoveLeftoversAsync(CancellationToken.None);
            Assert.False(Directory.Exists(leftOver.FullName));
            Assert.True(Directory.Exists(inUse.FullName));
            Assert.True(Directory.Exists(justBegun.FullName));
        }
        finally
        {
            ended.Dispose();
            inUse.Delete(recursive: true);
            justBegun.Delete(recursive: true);
        }
    }

    [Fact]
    public void Identity_OfANumberUsedAgain_IsNotAlive()
    {
        Assert.True(ProcessIdentity.Parse(ProcessIdentity.Current.Text)!.Value.MayBeAlive);
        Assert.False((ProcessIdentity.Current with { Started = "1" }).MayBeAlive);
        var elsewhere = ProcessIdentity.Current with { Namespace = "another container" };
        Assert.True(elsewhere.MayBeAlive);
        Assert.False(elsewhere.IsAliveHere);
        Assert.Null(ProcessIdentity.Parse("nonsense"));
    }
}
