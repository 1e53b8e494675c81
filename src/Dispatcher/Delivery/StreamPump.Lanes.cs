using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>One request: an event, several in a batch, or one that is sent beside the stream.</summary>
internal readonly record struct Outgoing(DeliveryItem First, IReadOnlyList<DeliveryItem>? Batch, DeferredEvent? Beside, long Begun)
{
    public long LastSeq => Batch is null ? First.Seq : Batch[^1].Seq;

    public int Count => Batch?.Count ?? 1;
}

/// <summary>The lanes: each takes what may be sent next, sends it, says what came of it, and goes on. They end when there is nothing for them.</summary>
internal sealed partial class StreamPump
{
    private TaskCompletionSource? _lanesEnded;
    private Exception? _trouble;
    private int _lanes;
    private bool _filling;
    private bool _besideTurn;
    private long? _batchSince;

    /// <summary>Runs until no lane has anything to do: there is nothing to send, or nothing may be sent.</summary>
    private async Task RunLanesAsync(CancellationToken abort)
    {
        _lanes = 1;
        _lanesEnded = null;
        await LaneAsync(abort);
        Task ended;
        lock (_gate) ended = _lanes == 0 ? Task.CompletedTask : (_lanesEnded = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        await ended;
        if (_trouble is not null) throw _trouble;
    }

    private async Task LaneAsync(CancellationToken abort)
    {
        var slot = _services.Slots.Open();
        try
        {
            while (await NextAsync(abort) is { } next)
            {
                if (await SendAsync(next, slot, abort) is { } result)
                {
                    await TakeAsync(next, result, abort);
                }
                else
                {
                    lock (_gate) _window.Withdraw();
                    break;
                }
            }
        }
        catch (Exception exception)
        {
            _trouble ??= exception;
            _stopping = true;
            _buffer.Wake();
        }
        finally
        {
            _services.Slots.Close(slot);
            lock (_gate)
                if (--_lanes == 0) _lanesEnded?.TrySetResult();
        }
    }

    /// <summary>What to send next; null when this lane has nothing to do, and what others are doing will start lanes again.</summary>
    private async ValueTask<Outgoing?> NextAsync(CancellationToken abort)
    {
        var lingering = _time.GetTimestamp();
        while (true)
        {
            TimeSpan patience;
            lock (_gate)
            {
                if (_stopping || _lost || _paused || _refusal is not null || !_window.MayBegin) return null;
                var besideIsDue = _beside.IsDue;
                if ((!besideIsDue || _filling) && TryTake() is { } next)
                {
                    // Another lane may find something, too: it takes it, or ends at once.
                    if (_window.MayBegin && (_buffer.Count > 0 || _beside.Count > 0)) StartLane(abort);
                    return next;
                }

                if (_filling || (!besideIsDue && _window.InFlight > 0 && _buffer.Count > 0 && _batch is null)) return null;
                _filling = true;
                patience = besideIsDue ? TimeSpan.Zero : Patience(lingering);
                if (!besideIsDue && _window.InFlight == 0 && _buffer.Count == 0 && !_buffer.MayRead) _quiet.TrySetResult();
            }

            try
            {
                if (_beside.IsDue)
                {
                    // What has ended must be written first, or it would be read again.
                    if (!await _settle.AllAsync()) _lost = true;
                    else await _beside.LoadAsync(abort);
                }
                else if (!await _buffer.FillAsync(patience, abort) && IsInVain(lingering))
                {
                    return null;
                }
            }
            finally
            {
                lock (_gate) _filling = false;
            }
        }
    }

    /// <summary>Takes the next request's worth; null when there is none at hand. Under the gate.</summary>
    private Outgoing? TryTake()
    {
        while (_buffer.Count > 0 && _window.HasPassed(_buffer.Peek().Seq)) _buffer.Take();
        var streamIsReady = _buffer.Count > 0 && (_window.InFlight == 0 || !_window.IsTooFar(_buffer.Peek().Seq));
        // By turns, so that neither the stream nor what goes beside it waits for the whole of the other.
        if ((!streamIsReady || (_besideTurn = !_besideTurn)) && _beside.TryTake() is { } beside) return new Outgoing(beside.Item, null, beside, _window.Begin());
        if (!streamIsReady) return null;
        if (_batch is null) return new Outgoing(_buffer.Take(), null, null, _window.Begin());

        _batchSince ??= _time.GetTimestamp();
        var (count, isFull) = _batch.Cut(_buffer.Waiting);
        if (!isFull && !_stopping && (_buffer.MayRead || _time.GetElapsedTime(_batchSince.Value) < _batch.MaxWait)) return null;
        _batchSince = null;
        var items = new DeliveryItem[count];
        for (var i = 0; i < count; i++) items[i] = _buffer.Take();
        return new Outgoing(items[0], items, null, _window.Begin());
    }

    /// <summary>Whether there was time enough and nothing has come: nor is anything at hand that goes out without more.</summary>
    private bool IsInVain(long lingering)
    {
        lock (_gate) return Patience(lingering) <= TimeSpan.Zero && !_beside.IsDue && (_batch is null || _buffer.Count == 0);
    }

    /// <summary>How long to wait for news before giving the endpoint back. Under the gate.</summary>
    private TimeSpan Patience(long lingering)
    {
        // A second opinion is wanted now or not at all.
        if (_window.Unclear.Count > 0) return TimeSpan.Zero;
        if (_batchSince is { } since && _batch is { } batch) return batch.MaxWait - _time.GetElapsedTime(since);
        var linger = _options.Linger - _time.GetElapsedTime(lingering);
        return _beside.Next is { } next && next - _services.Clock.Now < linger ? next - _services.Clock.Now : linger;
    }

    private void StartLane(CancellationToken abort)
    {
        _lanes++;
        _ = Task.Run(() => LaneAsync(abort), CancellationToken.None);
    }
}
