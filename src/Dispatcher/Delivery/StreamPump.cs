using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>Why a pump ended.</summary>
internal enum PumpEnd
{
    /// <summary>Nothing is left to send; the endpoint was handed back.</summary>
    Idle,

    /// <summary>An attempt failed: the endpoint waits or is paused, and was handed back.</summary>
    Failed,

    /// <summary>It was told to stop, and handed the endpoint back.</summary>
    Stopped,

    /// <summary>Somebody else has the endpoint, or its cursor was moved; nothing more was written.</summary>
    LeaseLost,
}

/// <summary>
/// Sends the events of one strict endpoint, one after another, for as long as it is leased (promise 3): the first attempt of n+1 begins only
/// after n was accepted. Settling runs behind, in as few writes as there is time for.
/// </summary>
internal sealed class StreamPump(
    EndpointLease lease, PumpServices services, IOptions<WebhookDispatcherOptions> options, TimeProvider time)
{
    private readonly Lock _sendGate = new();
    private readonly Signal _news = new(time);
    private readonly Queue<DeliveryItem> _buffer = new();
    private Task<IReadOnlyList<DeliveryItem>>? _reading;
    private readonly SettleChain _settle = new(lease, services.Settler);
    private long _read = lease.Cursor;
    private bool _more = true;
    private int _grown;
    private volatile bool _stopping;
    private long _validFrom = time.GetTimestamp();

    public EndpointLease Lease => lease;

    public long Began { get; } = time.GetTimestamp();

    /// <summary>The lease was renewed by a request that began then.</summary>
    public void Renewed(long timestamp) => Volatile.Write(ref _validFrom, timestamp);

    /// <summary>The stream has grown.</summary>
    public void MoreAvailable()
    {
        Volatile.Write(ref _grown, 1);
        _news.Set();
    }

    /// <summary>When this returns, no new send can begin. One that is under way ends and is settled.</summary>
    public void Stop()
    {
        lock (_sendGate) _stopping = true;
        MoreAvailable();
    }

    /// <summary>Sends until there is nothing left, an attempt fails, or it is stopped. Throws when the database fails it; the lease then runs out.</summary>
    /// <param name="abort">Breaks off what is under way; for the end of the process.</param>
    public async Task<PumpEnd> RunAsync(CancellationToken abort)
    {
        while (true)
        {
            if (_stopping) return await HandBackAsync();
            if (_buffer.Count == 0 && !await FillAsync(abort))
            {
                if (_stopping) continue;
                if (!await _settle.AllAsync()) return await LoseAsync();
                if (await services.Leases.ReleaseIdleAsync(lease, abort)) return PumpEnd.Idle;
                // It has grown and nobody said so.
                _more = true;
                continue;
            }

            var item = _buffer.Dequeue();
            await services.SendSlots.WaitAsync(abort);
            AttemptResult result;
            try
            {
                var sending = BeginSend(item, abort);
                if (sending is null) return await HandBackAsync();
                Prefetch(abort);
                result = await sending;
            }
            finally
            {
                services.SendSlots.Release();
            }

            if (result.Outcome != AttemptOutcome.Delivered) return await FailAsync(item, result, abort);
            if (!_settle.Delivered(item.Seq)) return await LoseAsync();
        }
    }

    /// <summary>Begins a send inside the gate, so that one which Stop did not keep from beginning has begun; null when none may.</summary>
    private Task<AttemptResult>? BeginSend(DeliveryItem item, CancellationToken abort)
    {
        var body = Envelope.Write(item, lease.Id, lease.Epoch);
        lock (_sendGate)
        {
            return _stopping || time.GetElapsedTime(Volatile.Read(ref _validFrom)) >= options.Value.Delivery.LeaseDuration
                ? null
                : services.Sender.SendAsync(lease.Url, item.EventId, body, lease.LiveSecrets(services.Clock.Now), abort);
        }
    }

    /// <summary>Waits until something is in the buffer; false when the endpoint was idle for long enough, or is to stop.</summary>
    private async Task<bool> FillAsync(CancellationToken abort)
    {
        while (!_stopping)
        {
            if (!IsReading(abort))
            {
                if (!await _news.WaitAsync(options.Value.Delivery.Linger, abort)) return false;
                continue;
            }

            var items = await _reading!;
            _reading = null;
            foreach (var item in items)
            {
                // Settling goes by the highest number delivered: one that is missing must stop everything rather than be passed over.
                if (item.Seq != ++_read)
                    throw new InvalidOperationException($"The stream of {lease.Id} lacks seq {_read}: its event is not in the database.");
                _buffer.Enqueue(item);
            }

            _more = items.Count >= options.Value.Delivery.ReadAhead || items.Sum(item => item.Data.Length) >= options.Value.Delivery.ReadAheadBytes;
            if (items.Count > 0) return true;
        }

        return false;
    }

    /// <summary>Reads on while the request is on its way, once half of what was read ahead is used up.</summary>
    private void Prefetch(CancellationToken abort)
    {
        if (_buffer.Count < options.Value.Delivery.ReadAhead / 2 && _buffer.Count > 0) IsReading(abort);
    }

    /// <summary>Begins to read, unless that was begun, or all there was has been read: asking once more costs as much as what is found.</summary>
    private bool IsReading(CancellationToken abort)
    {
        // Forgotten before the read begins: what is committed after that is announced after that.
        if (_reading is null && (Interlocked.Exchange(ref _grown, 0) == 1 || _more))
            _reading = services.Reader.ReadAsync(lease, _read, abort);
        return _reading is not null;
    }

    private async Task<PumpEnd> FailAsync(DeliveryItem item, AttemptResult result, CancellationToken abort)
    {
        // A delivery since then has wiped the slate.
        var before = _settle.HasDelivered ? StreamState.Clean : lease.State;
        if (!await _settle.AllAsync()) return await LoseAsync();
        var decision = before.Apply(result, lease.FailureThreshold, options.Value.Delivery, services.Random.NextDouble());
        var recorded = await services.Leases.FailAsync(lease, item.Seq, result, decision, abort);
        services.Failed(lease, item.Seq, result, decision, recorded);
        // Not recorded: paused, changed or taken over while the request was under way, and whoever did that decides.
        return recorded ? PumpEnd.Failed : await HandBackAsync();
    }

    private async Task<PumpEnd> HandBackAsync()
    {
        if (!await _settle.AllAsync()) return await LoseAsync();
        await services.Leases.ReleaseAsync(lease, CancellationToken.None);
        return PumpEnd.Stopped;
    }

    /// <summary>The cursor or the URL was changed from outside, and the lease may be here still: then it is handed back, to be taken with what holds now.</summary>
    private async Task<PumpEnd> LoseAsync()
    {
        await services.Leases.ReleaseAsync(lease, CancellationToken.None);
        return PumpEnd.LeaseLost;
    }
}
