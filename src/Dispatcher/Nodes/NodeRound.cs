using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Nodes;

/// <summary>What a node does for its place among the others: renews, takes over from the dead, gives back what is too much, leaves.</summary>
internal sealed partial class NodeRound(
    NodeStore store, NodeLease node, LiveNodes live, Pumps pumps, LeaseStore leases, IOptions<WebhookDispatcherOptions> options, TimeProvider time,
    ILogger<NodeRound> logger)
{
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    // A node that is about to expire is looked at when it does, and not much more often than that.
    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(50);

    // Nothing is left behind without an error that says so; this is for errors that nobody has thought of.
    private static readonly TimeSpan OrphansEvery = TimeSpan.FromMinutes(1);

    private long _orphansSought = time.GetTimestamp();
    private bool _joined;
    private int _surplusBefore;

    private TimeSpan Third => options.Value.Delivery.LeaseDuration / 3;

    /// <summary>Raised when endpoints were freed that a dead node had.</summary>
    public event Action? TookOver;

    /// <summary>Renews this node's lease, whatever it works on, and looks after the others'.</summary>
    /// <returns>After what time it is to be called again, at the latest.</returns>
    public async Task<TimeSpan> RenewAsync(CancellationToken cancel)
    {
        await store.MeasureClockAsync(cancel);
        var began = time.GetTimestamp();
        var held = pumps.Count;
        var renewal = await store.RenewAsync(node.Id, held, leaving: false, cancel);
        if (renewal is null)
        {
            if (_joined) LogLost();
            await pumps.BetweenClaimsAsync(() => JoinAsync(cancel), cancel);
            began = time.GetTimestamp();
            renewal = await store.RenewAsync(node.Id, 0, leaving: false, cancel);
            // Nothing was taken under the new id yet. Taken over already: then the next call begins once more.
            if (renewal is null) return LeastWait;
        }

        // What was paused must have stopped before the lease is known to go on: whoever paused waited for this node only until its lease had run out.
        foreach (var lease in renewal.Recalled) pumps.Recall(lease);
        node.Renewed(began);
        live.Seen(renewal.Nodes);

        pumps.RefreshOld();
        if (renewal.Nodes.Any(other => other.ExpiresIn <= TimeSpan.Zero) && await store.TakeOverAsync(cancel) is > 0 and var freed)
        {
            LogTookOver(freed);
            TookOver?.Invoke();
        }

        GiveBackSurplus(held);
        if (pumps.MayHaveLeftBehind || time.GetElapsedTime(_orphansSought) >= OrphansEvery) await ReleaseLeftBehindAsync(cancel);
        var next = renewal.Nodes.Where(other => other.ExpiresIn > TimeSpan.Zero).Select(other => other.ExpiresIn + (LeastWait / 10)).Append(Third).Min();
        return (next < LeastWait ? LeastWait : next) - time.GetElapsedTime(began);
    }

    /// <summary>Ends sending: what is under way is finished and settled, however many renewals that takes, and the rest is handed back at once.</summary>
    /// <param name="leaving">Tells the others that this node takes nothing more.</param>
    public async Task LeaveAsync(Func<Guid, Task> leaving)
    {
        var ended = pumps.StopAllAsync();
        if (!_joined) return;
        do
        {
            await LastlyAsync(async patience =>
            {
                var began = time.GetTimestamp();
                if (await store.RenewAsync(node.Id, pumps.Count, leaving: true, patience) is not null) node.Renewed(began);
            });
            await leaving(node.Id);
        }
        while (await Task.WhenAny(ended, Task.Delay(Third, time)) != ended);
        await ended;
        if (await LastlyAsync(patience => store.LeaveAsync(node.Id, patience))) await leaving(node.Id);
    }

    private async Task JoinAsync(CancellationToken cancel)
    {
        // Nothing that was begun under the old id goes on, and nothing of it can be written: it is a new node that joins.
        pumps.Refresh();
        if (_joined) node.Lost();
        _joined = true;
        await store.JoinAsync(node.Id, cancel);
    }

    private void GiveBackSurplus(int held)
    {
        // Twice in a row: what the others have is known as of their last renewal, and a node that has just come may have more by now.
        var surplus = FairShare.Surplus(held, live.Share(held));
        var lasting = Math.Min(surplus, _surplusBefore);
        _surplusBefore = surplus;
        if (lasting == 0) return;
        _surplusBefore = 0;
        LogGivesBack(lasting, held);
        pumps.GiveBack(lasting);
    }

    private Task ReleaseLeftBehindAsync(CancellationToken cancel) => pumps.BetweenClaimsAsync(async () =>
    {
        pumps.MayHaveLeftBehind = false;
        // Compared with the epoch when they are released: one whose pump gives it back just now is not given back twice.
        var leftBehind = (await leases.ReadHeldAsync(cancel)).FindAll(lease => !pumps.WorksOn(lease));
        await Task.WhenAll(leftBehind.Select(lease => leases.ReleaseAsync(lease, cancel)));
        _orphansSought = time.GetTimestamp();
    }, cancel);

    private async Task<bool> LastlyAsync(Func<CancellationToken, Task> act)
    {
        using var patience = new CancellationTokenSource(LastPatience, time);
        try
        {
            await act(patience.Token);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            LogNotHandedBack(exception);
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "This node did not renew its lease in time and has lost its endpoints; it joins again", EventName = "NodeLeaseLost")]
    private partial void LogLost();

    [LoggerMessage(2, LogLevel.Warning, "Took over {Endpoints} endpoints from a node that has expired", EventName = "NodeTakenOver")]
    private partial void LogTookOver(int endpoints);

    [LoggerMessage(3, LogLevel.Information, "Gives {Endpoints} of {Held} endpoints to nodes that have fewer", EventName = "SurplusGivenBack")]
    private partial void LogGivesBack(int endpoints, int held);

    [LoggerMessage(4, LogLevel.Warning, "The database does not answer while stopping; other processes take over when the lease runs out", EventName = "NotHandedBack")]
    private partial void LogNotHandedBack(Exception exception);
}
