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
    private long _busyAt;

    // Of the last answer: a lane that begins expects no quicker one.
    private volatile bool _expectSlow;

    /// <summary>Whether nothing more may be sent.</summary>
    private bool IsOver => _stopping || _lost || _paused || _refusal is not null;

    /// <summary>Runs until no lane has anything to do: there is nothing to send, or nothing may be sent.</summary>
    private async Task RunLanesAsync(CancellationToken abort)
    {
        _lanes = 1;
        _lanesEnded = null;
        _busyAt = _time.GetTimestamp();
        await LaneAsync(abort);
        Task ended;
        lock (_gate) ended = _lanes == 0 ? Task.CompletedTask : (_lanesEnded = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        await ended;
        if (_trouble is not null) throw _trouble;
    }

    private async Task LaneAsync(CancellationToken abort)
    {
        var slot = _services.Slots.Open(_expectSlow);
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
        }
        finally
        {
            _services.Slots.Close(slot);
            lock (_gate)
            {
                // Somebody may be waiting for news that would be for nobody.
                if (IsOver) _buffer.Wake();
                if (--_lanes == 0) _lanesEnded?.TrySetResult();
            }
        }
    }

    /// <summary>What to send next; null when this lane has nothing to do, and what others are doing will start lanes again.</summary>
    private async ValueTask<Outgoing?> NextAsync(CancellationToken abort)
    {
        while (true)
        {
            bool besideIsDue;
            TimeSpan patience;
            lock (_gate)
            {
                if (IsOver || !_window.MayBegin) return null;
                besideIsDue = _beside.IsDue;
                if ((!besideIsDue || _filling) && TryTake() is { } next)
                {
                    // Another lane takes what is left, or waits for news while this one sends; or ends at once, where another does.
                    if (_window.MayBegin && (!_filling || _buffer.Count > 0 || _beside.Count > 0)) StartLane(abort);
                    return next;
                }

                if (!besideIsDue && _window.InFlight == 0 && _buffer.Count == 0 && !_buffer.MayRead) _quiet.TrySetResult();
                // Whoever waits is to wait no longer than there is reason to.
                if (_filling && (_window.InFlight == 0 || _beside.LoadAt is not null)) _buffer.Wake();
                if (_filling || (!besideIsDue && _window.InFlight > 0 && _buffer.Count > 0 && _batch is null)) return null;
                _filling = true;
                patience = Patience;
            }

            var found = besideIsDue ? await LoadBesideAsync(abort) : await _buffer.FillAsync(patience, abort);
            lock (_gate)
            {
                // At once: who takes an event believes that somebody waits for news for as long as this says so.
                _filling = false;
                if (!found && IsInVain) return null;
            }
        }
    }

    private async Task<bool> LoadBesideAsync(CancellationToken abort)
    {
        // What has ended must be written first, or it would be read again.
        if (!await _settle.AllAsync())
        {
            _lost = true;
            return false;
        }

        lock (_gate) _beside.BeginLoad();
        var (due, next) = await _services.Deferred.ReadDueAsync(_lease, BesideQueue.AtATime, abort);
        lock (_gate) _beside.EndLoad(due, next);
        return true;
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

    /// <summary>Whether there was time enough and nothing has come: nor is anything at hand that goes out without more. Under the gate.</summary>
    private bool IsInVain => Patience <= TimeSpan.Zero && !_beside.IsDue && (_batch is null || _buffer.Count == 0);

    /// <summary>How long to wait for news before giving the endpoint back, which is not idle while a request is under way. Under the gate.</summary>
    private TimeSpan Patience
    {
        get
        {
            // A second opinion is wanted now or not at all, unless what is under way may give one.
            if (_window.Unclear.Count > 0 && _window.InFlight == 0) return TimeSpan.Zero;
            if (_batchSince is { } since && _batch is { } batch) return batch.MaxWait - _time.GetElapsedTime(since);
            var linger = _window.InFlight > 0 ? TimeSpan.FromMinutes(1) : _options.Linger - _time.GetElapsedTime(Volatile.Read(ref _busyAt));
            return _beside.LoadAt is { } next && next - _services.Clock.Now < linger ? next - _services.Clock.Now : linger;
        }
    }

    private void StartLane(CancellationToken abort)
    {
        _lanes++;
        _ = Task.Run(() => LaneAsync(abort), CancellationToken.None);
    }
}
