using Microsoft.Extensions.Options;
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
/// Sends the events of one endpoint for as long as it is leased, in lanes: a strict endpoint has one, so that the first attempt of n+1 begins only after
/// n was accepted (promise 3); a relaxed one has as many as it may have in flight. Settling runs behind, in as few writes as there is time for.
/// </summary>
internal sealed partial class StreamPump
{
    private readonly EndpointLease _lease;
    private readonly PumpServices _services;
    private readonly DeliveryOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly DeliveryWindow _window;
    private readonly AheadBuffer _buffer;
    private readonly BesideQueue _beside;
    private readonly SettleChain _settle;
    private readonly BatchSize? _batch;
    private readonly Pace? _pace;
    private readonly Dictionary<long, (Outgoing Sent, AttemptResult Result)> _unclear = [];
    private (Outgoing Sent, AttemptResult Result)? _refusal;
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _beginning;
    private int _answers;
    private volatile bool _stopping;
    private volatile bool _lost;
    private volatile bool _paused;

    public StreamPump(EndpointLease lease, PumpServices services, IOptions<WebhookDispatcherOptions> options, TimeProvider time)
    {
        (_lease, _services, _options, _time) = (lease, services, options.Value.Delivery, time);
        var cautious = lease.State.ConsecutiveFailures > 0 || lease.State.Attempts > 0 || lease.State.Probing;
        _window = new DeliveryWindow(lease.Cursor, lease.Ahead, lease.DeferredAhead, lease.IsRelaxed ? lease.MaxInFlight : 1, cautious, lease.IsRelaxed);
        _batch = lease.Batch is { } batch ? new BatchSize(batch, cautious) : null;
        _pace = lease.RateLimit is { } limit ? new Pace(limit) : null;
        // Twice a request's worth, so that the next one is there when the one before it is answered; no more than goes out in a second.
        var most = Math.Max(_options.ReadAhead, 2 * (lease.Batch?.MaxEvents ?? (lease.IsRelaxed ? lease.MaxInFlight : 1)));
        _buffer = new AheadBuffer(lease, services.Reader, Math.Min(most, Math.Max(1, lease.RateLimit * (lease.Batch?.MaxEvents ?? 1) ?? most)), _gate, time);
        _beside = new BesideQueue(services.Clock);
        _settle = new SettleChain(lease, _window, _gate, services.Settler);
        Began = time.GetTimestamp();
    }

    public EndpointLease Lease => _lease;

    public long Began { get; }

    /// <summary>How many requests have been answered, in whatever way.</summary>
    public int Answers => Volatile.Read(ref _answers);

    /// <summary>Ends when everything there was has been sent for the first time, and only news would bring more.</summary>
    public Task Quiet => _quiet.Task;

    /// <summary>Whether it was stopped so that another node may take the endpoint. Set before it is stopped.</summary>
    public bool IsGivenBack { get; set; }

    /// <summary>The stream has grown.</summary>
    public void MoreAvailable() => _buffer.Grown();

    /// <summary>The stream has grown up to this head; these events of it are at hand.</summary>
    public void Offer(IReadOnlyList<DeliveryItem> items, long head) => _buffer.Offer(items, head);

    /// <summary>When this returns, no new send can begin. One that is under way ends and is settled.</summary>
    public void Stop()
    {
        _stopping = true;
        // Whoever did not see that yet has begun, or is beginning, which takes microseconds.
        var spin = new SpinWait();
        Interlocked.MemoryBarrier();
        while (Volatile.Read(ref _beginning) > 0) spin.SpinOnce();
        _buffer.Wake();
    }

    /// <summary>Sends until there is nothing left, the endpoint fails, or it is stopped. Throws when the database fails it; the lease then runs out.</summary>
    /// <param name="abort">Breaks off what is under way; for the end of the process.</param>
    public async Task<PumpEnd> RunAsync(CancellationToken abort)
    {
        _beside.Expect(_lease.NextDeferred);
        try
        {
            for (long? idleAt = null; ; idleAt = _window.Cursor)
            {
                await RunLanesAsync(abort);
                if (_lost) return await LoseAsync();
                // A failure is told even when it is stopped: whoever stops it need not know of it.
                if (_refusal is not null || _window.Unclear.Count > 0) return await EndFailedAsync(abort);
                if (_stopping || _paused) return await HandBackAsync();
                if (!await _settle.AllAsync()) return await LoseAsync();
                if (await _services.Leases.ReleaseIdleAsync(_lease, abort)) return PumpEnd.Idle;
                // It was looked for more, and there is none: the database does not know of the last settle, which a crash has taken.
                if (_window.Cursor == idleAt) return await LoseAsync();
                // It has grown and nobody said so.
                _buffer.MayHaveMore();
            }
        }
        finally
        {
            await _buffer.DiscardAsync();
        }
    }

    /// <summary>Sends one request; null when it may not begin any more.</summary>
    private async Task<AttemptResult?> SendAsync(Outgoing next, SendSlot slot, CancellationToken abort)
    {
        if (_pace is not null && !await WaitForPaceAsync(_pace, abort)) return null;
        await _services.Slots.TakeAsync(slot, abort);
        try
        {
            var id = next.Batch is null ? new WebhookEventId(next.First.EventId).Value : Envelope.BatchId(_lease.Id, _lease.Epoch, next.First.Seq, next.LastSeq);
            var body = next.Batch is null
                ? Envelope.Write(next.First, _lease.Id, _lease.Epoch)
                : Envelope.WriteBatch(id, next.Batch, _lease.Id, _lease.Epoch);
            if (BeginSend(id, body, abort) is not { } sending) return null;
            lock (_gate) _buffer.Prefetch(abort);
            var result = await sending;
            // All of it was written before the answer was read. After any other end something may still read from it.
            if (result.Outcome == AttemptOutcome.Delivered) Envelope.Return(body);
            return result;
        }
        finally
        {
            _services.Slots.Release(slot);
            _expectSlow = slot.ExpectSlow;
        }
    }

    /// <summary>Begins a send, unless it was stopped or the lease may have run out. <see cref="Stop"/> waits for those that are about to begin.</summary>
    private Task<AttemptResult>? BeginSend(string id, ArraySegment<byte> body, CancellationToken abort)
    {
        Interlocked.Increment(ref _beginning);
        try
        {
            if (!_services.Node.IsValid) _stopping = true;
            // It may have waited for its turn, and another answer may have said meanwhile that nothing more is wanted.
            if (IsOver) return null;
            return _services.Sender.SendAsync(_lease.Url, id, body, _lease.LiveSecrets(_services.Clock.Now), _lease.Headers, abort);
        }
        finally
        {
            Interlocked.Decrement(ref _beginning);
        }
    }

    private async Task<bool> WaitForPaceAsync(Pace pace, CancellationToken abort)
    {
        TimeSpan wait;
        lock (_gate) wait = pace.Take(_time.GetElapsedTime(0));
        // In steps, so that stopping need not wait for a slow pace.
        for (var step = TimeSpan.FromMilliseconds(100); wait > TimeSpan.Zero && !IsOver; wait -= step)
            await Task.Delay(wait < step ? wait : step, _time, abort);
        return !IsOver;
    }

    private async Task<PumpEnd> HandBackAsync()
    {
        if (!await _settle.AllAsync()) return await LoseAsync();
        await _services.Leases.ReleaseAsync(_lease, CancellationToken.None);
        return _paused ? PumpEnd.Failed : PumpEnd.Stopped;
    }

    /// <summary>The cursor or the URL was changed from outside, and the lease may be here still: then it is handed back, to be taken with what holds now.</summary>
    private async Task<PumpEnd> LoseAsync()
    {
        await _services.Leases.ReleaseAsync(_lease, CancellationToken.None);
        return PumpEnd.LeaseLost;
    }
}
