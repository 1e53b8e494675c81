using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>The endpoints that this process works on.</summary>
internal sealed partial class Pumps(
    LeaseStore leases, NodeLease node, LiveNodes nodes, PumpServices services, IOptions<WebhookDispatcherOptions> options, TimeProvider time,
    ILogger<Pumps> logger) : IDisposable
{
    /// <summary>For how long what is due is left to nodes that have less; then it is taken all the same.</summary>
    public static readonly TimeSpan Courtesy = TimeSpan.FromMilliseconds(100);

    private const int AtATime = 500;

    // What nobody took for so long is taken in small portions, so that several nodes that have enough come to the same number.
    private const int AtATimeWhenSated = 32;

    // A hint that secrets or settings changed may be lost. So long does a pump that is never idle go on with what it was given.
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<long, (StreamPump Pump, Task Run)> _running = new();
    private readonly ConcurrentDictionary<HeldLease, bool> _recalled = new();
    private readonly SemaphoreSlim _claiming = new(1, 1);
    private volatile bool _leaving;
    private volatile bool _leftBehind;

    public int Count => _running.Count;

    public Guid Owner => node.Id;

    /// <summary>Whether this node may take endpoints at all.</summary>
    public bool HasLease => node.IsValid;

    /// <summary>Whether this node has its share, and leaves what is due to the others for a moment.</summary>
    public bool IsSated => Room == 0;

    /// <summary>Raised with an endpoint that has been handed back and may be due again at once.</summary>
    public event Action<long>? HandedBack;

    /// <summary>Raised with an endpoint that has been handed back and may be due later: what failed is waited for, or goes beside the stream.</summary>
    public event Action<long>? Waits;

    /// <summary>Raised when an endpoint has been handed back for another node to take.</summary>
    public event Action? GaveBack;

    private int Room => FairShare.Room(_running.Count, nodes.Share(_running.Count));

    /// <summary>Takes what is due, as far as there is room, and begins to send.</summary>
    /// <returns>How many endpoints were taken.</returns>
    public async Task<int> ClaimAsync(CancellationToken cancel, CancellationToken abort)
    {
        await _claiming.WaitAsync(cancel);
        try
        {
            var most = Math.Min(options.Value.Delivery.MaxLeases - _running.Count, AtATime);
            if (most <= 0 || !node.IsValid || _leaving) return 0;
            var room = Math.Min(Room, most);
            var claimed = room > 0
                ? await leases.ClaimAsync(room, cancel)
                : await leases.ClaimAsync(Math.Min(most, AtATimeWhenSated), cancel, Courtesy);
            foreach (var lease in claimed) Start(lease, abort);
            _recalled.Clear();
            return claimed.Count;
        }
        catch
        {
            // It may have taken endpoints of which nobody here knows.
            _leftBehind = true;
            throw;
        }
        finally
        {
            _claiming.Release();
        }
    }

    /// <summary>Takes one endpoint, if it is due, there is room, and nobody has it, and begins to send.</summary>
    /// <returns>Its pump and the end of its run; null when it was not taken.</returns>
    public async Task<(StreamPump Pump, Task Run)?> ClaimAsync(WebhookEndpointId endpoint, CancellationToken cancel, CancellationToken abort)
    {
        await _claiming.WaitAsync(cancel);
        try
        {
            if (_running.Count >= options.Value.Delivery.MaxLeases || !node.IsValid || _leaving) return null;
            if (await leases.ClaimAsync(endpoint, cancel) is not { } lease) return null;
            var running = Start(lease, abort);
            _recalled.Clear();
            return running;
        }
        catch
        {
            _leftBehind = true;
            throw;
        }
        finally
        {
            _claiming.Release();
        }
    }

    /// <summary>Does something while no claim is under way: what is leased to this node then is in the table of pumps, or was left behind.</summary>
    public async Task BetweenClaimsAsync(Func<Task> act, CancellationToken cancel)
    {
        await _claiming.WaitAsync(cancel);
        try
        {
            await act();
        }
        finally
        {
            _claiming.Release();
        }
    }

    /// <summary>Whether something may have been left behind, leased and worked on by nobody; reset by whoever looks for it.</summary>
    public bool MayHaveLeftBehind
    {
        get => _leftBehind;
        set => _leftBehind = value;
    }

    /// <summary>Whether this lease is being worked on.</summary>
    public bool WorksOn(HeldLease lease) => _running.TryGetValue(lease.Endpoint, out var running) && running.Pump.Lease.LeaseEpoch == lease.LeaseEpoch;

    /// <summary>Tells the pumps of streams that grew by what was just numbered, and gives them the events that are still at hand.</summary>
    /// <returns>The streams that are not worked on here.</returns>
    public List<long> MoreAvailable(short bucket, SequencedBatch batch, FreshEvents fresh)
    {
        var elsewhere = new List<long>();
        foreach (var (endpoint, growth) in batch.Grown)
        {
            if (!_running.TryGetValue(endpoint, out var running)) elsewhere.Add(endpoint);
            // With the wrong epoch in its envelope an event would be another one to its receiver.
            else if (batch.Epoch != running.Pump.Lease.Epoch) running.Pump.MoreAvailable();
            else running.Pump.Offer(fresh.Find(bucket, growth.Positions, growth.First), growth.Last);
        }

        return elsewhere;
    }

    /// <summary>Tells the pumps of streams that grew; gives those that are not worked on here.</summary>
    public List<long> MoreAvailable(IEnumerable<long> endpoints)
    {
        var elsewhere = new List<long>();
        foreach (var endpoint in endpoints)
        {
            if (_running.TryGetValue(endpoint, out var running)) running.Pump.MoreAvailable();
            else elsewhere.Add(endpoint);
        }

        return elsewhere;
    }

    /// <summary>Has every endpoint handed back, to be taken again with the settings and secrets that hold now.</summary>
    public void Refresh()
    {
        foreach (var (_, (pump, _)) in _running) pump.Stop();
    }

    /// <summary>Has those handed back that have been worked on for long: what they were given may be out of date.</summary>
    public void RefreshOld()
    {
        foreach (var (_, (pump, _)) in _running)
            if (time.GetElapsedTime(pump.Began) >= Freshness) pump.Stop();
    }

    /// <summary>Stops an endpoint: when this returns, no new send to it can begin here under the lease whose epoch it gives. Null when it is not worked on here.</summary>
    public long? Stop(long endpoint)
    {
        if (!_running.TryGetValue(endpoint, out var running)) return null;
        running.Pump.Stop();
        return running.Pump.Lease.LeaseEpoch;
    }

    /// <summary>Stops a lease that is out of date: when this returns, no new send can begin under it, even if it was taken just now and is only about to begin.</summary>
    public void Recall(HeldLease lease)
    {
        // Noted first and looked for then; a pump that begins does it the other way round, so one of the two sees the other.
        _recalled[lease] = true;
        if (_running.TryGetValue(lease.Endpoint, out var running) && running.Pump.Lease.LeaseEpoch == lease.LeaseEpoch) running.Pump.Stop();
    }

    /// <summary>Hands so many endpoints back for others to take, those first that have been here longest.</summary>
    public void GiveBack(int count)
    {
        foreach (var (pump, _) in _running.Values.OrderBy(running => running.Pump.Began).Take(count))
        {
            pump.IsGivenBack = true;
            pump.Stop();
        }
    }

    /// <summary>Stops all, and takes nothing more. Ends when what is under way has ended and is settled.</summary>
    public async Task StopAllAsync()
    {
        _leaving = true;
        Refresh();
        // A claim that was under way has begun what it took.
        await BetweenClaimsAsync(() => Task.CompletedTask, CancellationToken.None);
        Refresh();
        await Task.WhenAll(_running.Values.Select(running => running.Run));
    }

    public void Dispose() => _claiming.Dispose();

    private (StreamPump Pump, Task Run) Start(EndpointLease lease, CancellationToken abort)
    {
        var pump = new StreamPump(lease, services, options, time);
        // The run must be known before it ends, or its end would not be.
        var registered = new TaskCompletionSource();
        var run = RunAsync(pump, registered.Task, abort);
        if (_running.TryGetValue(lease.Endpoint, out var earlier)) earlier.Pump.Stop();
        _running[lease.Endpoint] = (pump, run);
        if (_recalled.ContainsKey(new HeldLease(lease.Endpoint, lease.LeaseEpoch))) pump.Stop();
        registered.SetResult();
        return (pump, run);
    }

    private async Task RunAsync(StreamPump pump, Task registered, CancellationToken abort)
    {
        await registered.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        PumpEnd? ended = null;
        try
        {
            ended = await pump.RunAsync(abort);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            // The process is ending and could wait no longer; all that it has left is handed back together.
        }
        catch (Exception exception)
        {
            LogFailed(exception, pump.Lease.Id.Value);
        }

        // A pump that was replaced by a later lease must not take that one's place away.
        if (_running.TryGetValue(pump.Lease.Endpoint, out var current) && current.Pump == pump)
            _running.TryRemove(new KeyValuePair<long, (StreamPump, Task)>(pump.Lease.Endpoint, current));
        if (ended is null) _leftBehind = true;
        if (pump.IsGivenBack || _leaving) GaveBack?.Invoke();
        // Idle too: an event may have been numbered after the endpoint was handed back and before it left the table above.
        else if (ended is not PumpEnd.Failed) HandedBack?.Invoke(pump.Lease.Endpoint);
        if (ended is PumpEnd.Failed or PumpEnd.Idle) Waits?.Invoke(pump.Lease.Endpoint);
    }

    [LoggerMessage(1, LogLevel.Error, "Delivery to {Endpoint} was broken off; it is taken up again", EventName = "PumpFailed")]
    private partial void LogFailed(Exception exception, string endpoint);
}
