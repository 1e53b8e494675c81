using System.Diagnostics;

namespace Webhooks.Testing;

/// <summary>
/// A .NET program as a process of its own: to be told things, suspended, killed. It ends with this process however that ends: its
/// input is closed, and on Linux it is killed too, which a suspended one cannot miss.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    public const string Ready = "ready";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task _output;

    private ChildProcess(Process process, Action<string> line)
    {
        _process = process;
        _output = Task.WhenAll(ReadAsync(process.StandardOutput, line), ReadAsync(process.StandardError, line));
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program and waits until it says that it is ready.</summary>
    /// <param name="program">Its .dll.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="said">Is told what it writes, line by line.</param>
    /// <param name="isReady">Tells the line by which it says so; null for one that begins with <see cref="Ready"/>.</param>
    /// <exception cref="InvalidOperationException">It ended, or said nothing for a minute; the message has what it wrote.</exception>
    public static async Task<ChildProcess> StartAsync(string program, IEnumerable<string> arguments, Action<string>? said = null, Func<string, bool>? isReady = null)
    {
        isReady ??= line => line.StartsWith(Ready, StringComparison.Ordinal);
        string[] command = ["dotnet", program, .. arguments];
        if (OperatingSystem.IsLinux() && Command.FindOnPath("setpriv") is { } setpriv) command = [setpriv, "--pdeathsig", "SIGKILL", "--", .. command];
        var process = await Command.LaunchAsync(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        });
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = new List<string>();
        var child = new ChildProcess(process, line =>
        {
            lock (first)
                if (!ready.Task.IsCompleted) first.Add(line);
            said?.Invoke(line);
            if (isReady(line)) ready.TrySetResult();
        });
        if (await Task.WhenAny(ready.Task, child._output, Task.Delay(StartPatience, TimeProvider.System)) == ready.Task) return child;
        child.Dispose();
        lock (first) throw new InvalidOperationException($"{string.Join(' ', command)} is not ready. It said:\n{string.Join('\n', first)}");
    }

    /// <summary>Tells it something, on its input.</summary>
    public async Task TellAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Halts it (SIGSTOP); all it holds it goes on holding.</summary>
    public void Suspend() => Signal(ProcessTable.SigStop);

    /// <summary>Lets it go on (SIGCONT), as if no time had passed.</summary>
    public void Continue() => Signal(ProcessTable.SigCont);

    /// <summary>Asks it to end (SIGTERM).</summary>
    public void Terminate() => Signal(ProcessTable.SigTerm);

    /// <summary>Ends it as kill -9 does: nothing of it runs any more.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until it has ended by itself and all it wrote was read.</summary>
    public async Task<int> WaitAsync(CancellationToken cancel)
    {
        await _process.WaitForExitAsync(cancel);
        await _output.WaitAsync(cancel);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    // The process is not waited for before its exit was seen here, so its number is nobody else's.
    private void Signal(int signal)
    {
        if (!_process.HasExited) ProcessTable.Signal(_process.Id, signal);
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> line)
    {
        while (await reader.ReadLineAsync() is { } read) line(read);
    }
}
