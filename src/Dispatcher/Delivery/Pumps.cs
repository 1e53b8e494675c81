using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>The endpoints that this process works on.</summary>
internal sealed partial class Pumps(
    LeaseStore leases, PumpServices services, IOptions<WebhookDispatcherOptions> options, TimeProvider time, ILogger<Pumps> logger)
{
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    // A hint that secrets or settings changed may be lost. So long does a pump that is never idle go on with what it was given.
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<long, (StreamPump Pump, Task Run)> _running = new();

    public int Count => _running.Count;

    public Guid Owner => leases.Owner;

    /// <summary>Raised when an endpoint has been handed back and may be due again at once.</summary>
    public event Action? HandedBack;

    /// <summary>Takes what is due, as far as there is room, and begins to send.</summary>
    /// <returns>How many endpoints were taken.</returns>
    public async Task<int> ClaimAsync(CancellationToken cancel, CancellationToken abort)
    {
        var room = Math.Min(options.Value.Delivery.MaxLeases - _running.Count, 500);
        if (room <= 0) return 0;
        var began = time.GetTimestamp();
        var claimed = await leases.ClaimAsync(room, cancel);
        foreach (var lease in claimed) Start(lease, began, abort);
        return claimed.Count;
    }

    /// <summary>Renews what is held, and stops what was lost or changed.</summary>
    public async Task RenewAsync(CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        var renewed = await leases.RenewAsync([.. _running.Keys], cancel);
        foreach (var (endpoint, (pump, _)) in _running)
        {
            if (renewed.TryGetValue(endpoint, out var lease) && lease.Active && lease.LeaseEpoch == pump.Lease.LeaseEpoch && lease.Version == pump.Lease.Version
                && time.GetElapsedTime(pump.Began) < Freshness)
                pump.Renewed(began);
            else if (!renewed.ContainsKey(endpoint) || lease?.LeaseEpoch == pump.Lease.LeaseEpoch)
                pump.Stop();
        }
    }

    /// <summary>Tells the pumps of streams that grew by what was just numbered, and gives them the events that are still at hand.</summary>
    /// <returns>The streams that are not worked on here.</returns>
    public List<long> MoreAvailable(short bucket, SequencedBatch batch, FreshEvents fresh)
    {
        var elsewhere = new List<long>();
        foreach (var (endpoint, growth) in batch.Grown)
        {
            if (!_running.TryGetValue(endpoint, out var running)) elsewhere.Add(endpoint);
            // With the wrong epoch in its envelope an event would be another one to its receiver.
            else if (batch.Epoch == running.Pump.Lease.Epoch && AtHand(bucket, growth, fresh) is { } items) running.Pump.Offer(items);
            else running.Pump.MoreAvailable();
        }

        return elsewhere;
    }

    private static DeliveryItem[]? AtHand(short bucket, Growth growth, FreshEvents fresh)
    {
        var items = new DeliveryItem[growth.Positions.Count];
        for (var i = 0; i < items.Length; i++)
        {
            if (fresh.Find(bucket, growth.Positions[i]) is not { } published) return null;
            items[i] = published.At(growth.First + i);
        }

        return items;
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

    /// <summary>Stops an endpoint: when this returns, no new send to it can begin here under the lease whose epoch it gives. Null when it is not worked on here.</summary>
    public long? Stop(long endpoint)
    {
        if (!_running.TryGetValue(endpoint, out var running)) return null;
        running.Pump.Stop();
        return running.Pump.Lease.LeaseEpoch;
    }

    /// <summary>Stops all, and waits until what is under way has ended and is settled.</summary>
    public async Task StopAllAsync()
    {
        foreach (var (_, (pump, _)) in _running) pump.Stop();
        await Task.WhenAll(_running.Values.Select(running => running.Run));
        using var patience = new CancellationTokenSource(LastPatience, time);
        try
        {
            await leases.ReleaseAllAsync(patience.Token);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            LogNotHandedBack(exception);
        }
    }

    private void Start(EndpointLease lease, long validFrom, CancellationToken abort)
    {
        var pump = new StreamPump(lease, services, options, time);
        pump.Renewed(validFrom);
        // The run must be known before it ends, or its end would not be.
        var registered = new TaskCompletionSource();
        var run = RunAsync(pump, registered.Task, abort);
        if (_running.TryGetValue(lease.Endpoint, out var earlier)) earlier.Pump.Stop();
        _running[lease.Endpoint] = (pump, run);
        registered.SetResult();
    }

    private async Task RunAsync(StreamPump pump, Task registered, CancellationToken abort)
    {
        await registered.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var ended = PumpEnd.LeaseLost;
        try
        {
            ended = await pump.RunAsync(abort);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            // The process is ending and could wait no longer; the lease runs out.
        }
        catch (Exception exception)
        {
            LogFailed(exception, pump.Lease.Id.Value);
        }

        // A pump that was replaced by a later lease must not take that one's place away.
        if (_running.TryGetValue(pump.Lease.Endpoint, out var current) && current.Pump == pump)
            _running.TryRemove(new KeyValuePair<long, (StreamPump, Task)>(pump.Lease.Endpoint, current));
        // Idle too: an event may have been numbered after the endpoint was handed back and before it left the table above.
        if (ended is not PumpEnd.Failed) HandedBack?.Invoke();
    }

    [LoggerMessage(2, LogLevel.Warning, "The database does not answer while stopping; other processes take over when the leases run out", EventName = "NotHandedBack")]
    private partial void LogNotHandedBack(Exception exception);

    [LoggerMessage(1, LogLevel.Error, "Delivery to {Endpoint} was broken off; it is taken up again", EventName = "PumpFailed")]
    private partial void LogFailed(Exception exception, string endpoint);
}
