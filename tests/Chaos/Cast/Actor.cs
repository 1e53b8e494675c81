using System.Collections.Concurrent;
using Webhooks.Chaos.Judging;
using Webhooks.Chaos.Planning;
using Webhooks.Testing;

namespace Webhooks.Chaos.Cast;

/// <summary>A part in the play: a process that is killed, suspended and started again, one of these at a time. Its log goes on through its lives.</summary>
internal sealed class Actor(string program, Role role, int number, string folder, string settings) : IDisposable
{
    private const int Starts = 3;

    // What a dispatcher says when it was not fast enough to keep its lease: as if it had been suspended.
    private const string LeaseLost = "has lost its endpoints";

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly StreamWriter _log = new(Path.Combine(folder, $"{role.ToString().ToLowerInvariant()}-{number}.log"), append: true) { AutoFlush = true };
    private ChildProcess? _process;

    /// <summary>When the machine kept it from renewing its lease, which nobody had planned.</summary>
    public ConcurrentQueue<Incident> Lapses { get; } = [];

    public string Name { get; } = $"{role.ToString().ToLowerInvariant()} {number}";

    public Task StartAsync() => AloneAsync(LaunchAsync);

    /// <summary>kill -9, and a new process after a while.</summary>
    /// <returns>When it was killed.</returns>
    public async Task<DateTime> KillAsync(TimeSpan down)
    {
        var killed = DateTime.UtcNow;
        await AloneAsync(async () =>
        {
            killed = DateTime.UtcNow;
            Look();
            await _process!.KillAsync();
            _process.Dispose();
            Log($"--- killed at {killed:O}");
            await Task.Delay(down);
            await LaunchAsync();
        });
        return killed;
    }

    /// <summary>SIGSTOP, and SIGCONT after a while.</summary>
    /// <returns>From when to when it stood still.</returns>
    public async Task<(DateTime From, DateTime To)> SuspendAsync(TimeSpan time)
    {
        var (from, to) = (DateTime.UtcNow, DateTime.UtcNow);
        await AloneAsync(async () =>
        {
            from = DateTime.UtcNow;
            _process!.Suspend();
            await Task.Delay(time);
            to = DateTime.UtcNow;
            _process.Continue();
        });
        Log($"--- suspended from {from:O} to {to:O}");
        return (from, to);
    }

    public Task TellAsync(string line) => AloneAsync(() => _process!.TellAsync(line));

    /// <summary>Asks it to end by itself, and waits.</summary>
    public Task FinishAsync(TimeSpan patience) => AloneAsync(async () =>
    {
        using var soon = new CancellationTokenSource(patience);
        await _process!.TellAsync(RoleHost.Stop);
        if (await _process.WaitAsync(soon.Token) is not 0 and var code) throw new InvalidOperationException($"The {Name} ended with code {code}; see its log in {folder}.");
    });

    /// <summary>Whether any of its lives ended without a kill.</summary>
    public bool HasCrashed { get; private set; }

    /// <summary>Looks whether it is still there.</summary>
    public void Look()
    {
        if (_process!.HasExited) HasCrashed = true;
    }

    public void Dispose()
    {
        _process?.Dispose();
        _gate.Dispose();
        lock (_log) _log.Dispose();
    }

    private async Task LaunchAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _process = await ChildProcess.StartAsync(program, [RoleHost.Argument, role.ToString(), settings], Log);
                return;
            }
            // The database may have been stopped for longer than a start waits for it.
            catch (InvalidOperationException exception) when (attempt < Starts)
            {
                Log($"--- did not start: {exception.Message}");
            }
        }
    }

    private async Task AloneAsync(Func<Task> action)
    {
        await _gate.WaitAsync();
        try
        {
            await action();
        }
        finally
        {
            _gate.Release();
        }
    }

    private void Log(string line)
    {
        if (line.Contains(LeaseLost, StringComparison.Ordinal))
            Lapses.Enqueue(new Incident(DateTime.UtcNow - (3 * ChaosSettings.Lease), DateTime.UtcNow, $"lease lost by {Name}"));
        lock (_log)
        {
            // Its last words may come after the end.
            if (_log.BaseStream is { CanWrite: true }) _log.WriteLine(line);
        }
    }
}
