using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Webhooks.Bench.Peers;

/// <summary>A peer's process. It is told one line at a time what to do and answers each; session.mjs is the other side.</summary>
internal sealed class PeerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private PeerProcess(Process process) => _process = process;

    public int Id => _process.Id;

    /// <summary>Starts it and waits until its workers are there.</summary>
    public static async Task<PeerProcess> StartAsync(PeerPackages packages, string script, JsonObject settings, CancellationToken cancel)
    {
        var process = new PeerProcess(Process.Start(new ProcessStartInfo(packages.Node, [script])
        {
            WorkingDirectory = packages.Directory, RedirectStandardInput = true, RedirectStandardOutput = true, Environment = { ["NODE_ENV"] = "production" },
        })!);
        try
        {
            await process.AskAsync(settings.ToJsonString(), cancel);
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Enqueues the messages of these numbers and gives how many it says they were; its workers are at them meanwhile.</summary>
    public async Task<long> EnqueueAsync(int from, int to, CancellationToken cancel) =>
        (await AskAsync($"go {from} {to}", cancel)).GetProperty("enqueued").GetInt64();

    /// <summary>Ends the workers, when all of their completions are stored.</summary>
    public Task StopAsync(CancellationToken cancel) => AskAsync("stop", cancel);

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var grace = new CancellationTokenSource(Grace);
        try
        {
            await _process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private async Task<JsonElement> AskAsync(string line, CancellationToken cancel)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancel);
        var answer = await _process.StandardOutput.ReadLineAsync(cancel).AsTask().WaitAsync(Patience, cancel) ?? throw new InvalidOperationException("The peer's process ended; it says above why.");
        return JsonDocument.Parse(answer).RootElement;
    }
}
