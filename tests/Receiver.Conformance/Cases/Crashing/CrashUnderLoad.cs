using System.Collections.Concurrent;
using Webhooks.Conformance.Sending;

namespace Webhooks.Conformance.Cases.Crashing;

/// <summary>
/// Deliveries without a pause while the receiver is killed and started again, several times: something is always half done. Each sender sends what was
/// not accepted again until it is, and what was accepted never again.
/// </summary>
internal sealed class CrashUnderLoad
{
    private const int Senders = 8;
    private const int Kills = 3;
    private const int BetweenKills = 25;
    private const int MaxDelay = 150;

    // So that a receiver that takes its time still keeps up.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentQueue<SentEvent> _accepted = new();

    public IReadOnlyList<SentEvent> Accepted => [.. _accepted];

    public static async Task<CrashUnderLoad> RunAsync(CaseRun run)
    {
        var load = new CrashUnderLoad();
        using var enough = new CancellationTokenSource();
        var senders = Enumerable.Range(0, Senders).Select(_ => load.SendAsync(run, enough.Token)).ToList();
        try
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                await load.UntilAcceptedAsync(run, load._accepted.Count + BetweenKills);
                // Not always at the same place of what goes on inside.
                await Task.Delay(Random.Shared.Next(MaxDelay), run.Cancel);
                await run.RestartAsync();
            }
        }
        finally
        {
            await enough.CancelAsync();
            await Task.WhenAll(senders);
        }

        return load;
    }

    private async Task UntilAcceptedAsync(CaseRun run, int count)
    {
        for (var until = DateTime.UtcNow + run.Settings.Patience; _accepted.Count < count; await Task.Delay(1, run.Cancel))
            if (DateTime.UtcNow > until) throw new CaseFailedException($"of {BetweenKills} deliveries only {BetweenKills - count + _accepted.Count} were accepted within {run.Settings.Patience.TotalSeconds:0.#} s");
    }

    private async Task SendAsync(CaseRun run, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            var one = run.Stream.Next();
            var until = DateTime.UtcNow + run.Settings.Patience;
            while (!(await run.DeliverAsync(one)).IsAccepted)
            {
                if (DateTime.UtcNow > until) return;
                await Task.Delay(Breath, run.Cancel);
            }

            _accepted.Enqueue(one);
            await Task.Delay(Breath, run.Cancel);
        }
    }
}
