using System.Diagnostics;
using System.Globalization;

namespace Webhooks.Testing.Tests;

/// <summary>What becomes of a server whose process ends, in order or by kill -9.</summary>
public class PostgresOwnerTests
{
    [Fact]
    public async Task OwnerKilled_ServerEndsByItself_AndItsFolderAtTheNextStart()
    {
        if (!OperatingSystem.IsLinux() || Command.FindOnPath("setpriv") is null) return;
        using var owner = Run("hold");
        var (server, folder) = await ReadAsync(owner);
        Assert.True(ProcessTable.IsAlive(server));

        owner.Kill();
        await GoneAsync(server);
        await DataFolder.RemoveLeftoversAsync(CancellationToken.None);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task OwnerKilled_KeptDirectory_StartsAgainWithItsData()
    {
        var parent = Directory.CreateDirectory(Path.Combine("/tmp", "webhooks-test-" + Guid.NewGuid().ToString("N")[..8]));
        var options = new PrivatePostgresOptions { DataDirectory = Path.Combine(parent.FullName, "kept"), Durable = false };
        try
        {
            await using (var first = await PrivatePostgres.StartAsync(options))
                await Sql.ExecuteAsync(first.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS n");
            using (var owner = Run("hold", options.DataDirectory))
            {
                await ReadAsync(owner);
                await Assert.ThrowsAsync<InvalidOperationException>(() => PrivatePostgres.StartAsync(options));
                owner.Kill();
                await owner.WaitForExitAsync();
            }

            await using var second = await PrivatePostgres.StartAsync(options);
            Assert.Equal("42", await Sql.ScalarAsync(second.ConnectionString, "SELECT n FROM kept"));
        }
        finally
        {
            parent.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task OwnerEnds_WithoutDispose_ServerAndFolderAreGone()
    {
        using var owner = Run("exit");
        var (server, folder) = await ReadAsync(owner);
        await owner.WaitForExitAsync();
        Assert.Equal(0, owner.ExitCode);
        await GoneAsync(server);
        Assert.False(Directory.Exists(folder));
    }

    private static Process Run(params string[] arguments) => Process.Start(
        new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
            [typeof(PostgresOwnerTests).Assembly.Location, .. arguments]) { RedirectStandardOutput = true })!;

    private static async Task<(int Server, string Folder)> ReadAsync(Process owner)
    {
        var line = await owner.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        var parts = line!.Split(' ', 2);
        return (int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
    }

    private static async Task GoneAsync(int process)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (ProcessTable.IsAlive(process)) await Task.Delay(10, patience.Token);
    }
}
