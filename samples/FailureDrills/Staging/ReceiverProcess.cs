using System.Text.Json;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>
/// The customer's receiver as a process of its own that gets as far as the effect of one event and no further: to be killed there. It works on the files
/// and the port of the drill's receiver, which is stopped meanwhile.
/// </summary>
internal sealed class ReceiverProcess : IAsyncDisposable
{
    /// <summary>First of the arguments that make this program a receiver.</summary>
    public const string Argument = "as-receiver";

    private const string Written = "the effect is written";

    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ChildProcess? _process;

    private ReceiverProcess() { }

    /// <param name="place">Whose place it takes.</param>
    /// <param name="stopsAt">The seq after whose effect it hangs, before the commit.</param>
    /// <param name="log">Is told what it says.</param>
    public static async Task<ReceiverProcess> StartAsync(ReceiverPlace place, long stopsAt, Action<string> log)
    {
        var path = Path.Combine(place.Folder, "receiver.json");
        await File.WriteAllBytesAsync(path, JsonSerializer.SerializeToUtf8Bytes(new Settings(place, stopsAt)));
        var receiver = new ReceiverProcess();
        receiver._process = await ChildProcess.StartAsync(typeof(ReceiverProcess).Assembly.Location, [Argument, path], line =>
        {
            log(line);
            if (line == Written) receiver._written.TrySetResult();
        });
        return receiver;
    }

    /// <summary>Waits until the effect is written and not committed.</summary>
    public Task WaitUntilWrittenAsync(CancellationToken cancel) => _written.Task.WaitAsync(cancel);

    /// <summary>kill -9.</summary>
    public Task KillAsync() => _process!.KillAsync();

    public ValueTask DisposeAsync()
    {
        _process?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The inside of the process: ends when its input does.</summary>
    public static async Task<int> RunAsync(string settingsPath)
    {
        var (place, stopsAt) = JsonSerializer.Deserialize<Settings>(await File.ReadAllBytesAsync(settingsPath))!;
        var secrets = new ChangingSettings();
        secrets.Set(new Dictionary<string, string?> { ["Secrets:0:Value"] = place.Secret });
        await using var app = await ReceiverApp.StartAsync(place, secrets, TimeProvider.System, _ => { }, Console.WriteLine, before: null, after: async (received, _) =>
        {
            if (received.Seq != stopsAt) return;
            Console.WriteLine(Written);
            await Task.Delay(Timeout.Infinite);
        }, CancellationToken.None);
        Console.WriteLine($"{ChildProcess.Ready} {Environment.ProcessId}");
        while (await Console.In.ReadLineAsync() is not null) { }
        return 0;
    }

    private sealed record Settings(ReceiverPlace Place, long StopsAt);
}
