using System.Diagnostics;

namespace Webhooks.EndToEnd;

/// <summary>One side of the Quickstart as a process of its own, which can be killed.</summary>
internal sealed class RoleProcess : IDisposable
{
    private readonly Process _process;

    private RoleProcess(Process process) => _process = process;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a role and waits until it says that it is ready.</summary>
    public static async Task<RoleProcess> StartAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Quickstart.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var line = await process.StandardOutput.ReadLineAsync(patience.Token);
        Assert.True(line?.StartsWith("ready", StringComparison.Ordinal), $"{arguments[0]} said '{line}' instead of being ready. {(process.HasExited ? await errors : "")}");
        return new RoleProcess(process);
    }

    /// <summary>Ends it as kill -9 does: nothing of it runs any more.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
