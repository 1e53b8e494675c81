using System.Text.Json;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>A dispatcher as a process of its own: this program again, in a mode that no option names.</summary>
internal sealed class Node(int number, string settingsPath, Action<string> log) : IAsyncDisposable
{
    /// <summary>First of the arguments that make this program a dispatcher.</summary>
    public const string Argument = "as-dispatcher";

    private ChildProcess? _process;

    public async Task StartAsync() =>
        _process = await ChildProcess.StartAsync(typeof(Node).Assembly.Location, [Argument, settingsPath], line => log($"dispatcher {number}: {line}"));

    /// <summary>The process number.</summary>
    public int ProcessId => _process!.Id;

    public async Task KillAsync()
    {
        await _process!.KillAsync();
        _process.Dispose();
        _process = null;
    }

    public Task SuspendAsync()
    {
        _process!.Suspend();
        return Task.CompletedTask;
    }

    public Task ContinueAsync()
    {
        _process!.Continue();
        return Task.CompletedTask;
    }

    /// <summary>Asks it to end by itself (its input is closed) and waits.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        await _process!.TellAsync("stop");
        await _process.WaitAsync(cancel);
        _process.Dispose();
        _process = null;
    }

    public ValueTask DisposeAsync()
    {
        // Suspended or not: nothing of it is needed any more.
        _process?.Dispose();
        return ValueTask.CompletedTask;
    }

    public static Task WriteSettingsAsync(string path, string connectionString, IReadOnlyDictionary<string, string?> settings) =>
        File.WriteAllBytesAsync(path, JsonSerializer.SerializeToUtf8Bytes(new NodeSettings(connectionString, settings)));

    /// <summary>The inside of the process: ends when its input does.</summary>
    public static async Task<int> RunAsync(string settingsPath)
    {
        var settings = JsonSerializer.Deserialize<NodeSettings>(await File.ReadAllBytesAsync(settingsPath))!;
        await using var platform = await Platform.StartAsync(settings.ConnectionString, settings.Settings, worker: true, null, Console.WriteLine, CancellationToken.None);
        Console.WriteLine($"{ChildProcess.Ready} {Environment.ProcessId}");
        while (await Console.In.ReadLineAsync() is { } line && line != "stop") { }
        return 0;
    }

    private sealed record NodeSettings(string ConnectionString, IReadOnlyDictionary<string, string?> Settings);
}
