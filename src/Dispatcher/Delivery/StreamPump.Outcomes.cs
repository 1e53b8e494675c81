using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>What follows from the outcome of an attempt.</summary>
internal sealed partial class StreamPump
{
    private async ValueTask TakeAsync(Outgoing sent, AttemptResult result, CancellationToken abort)
    {
        Interlocked.Increment(ref _answers);
        Volatile.Write(ref _busyAt, _time.GetTimestamp());
        _services.Egress.Observe(_lease.Endpoint, result);
        _services.Tallies.Attempted(_lease.Endpoint, result);
        if (result.Outcome == AttemptOutcome.Delivered)
        {
            await SucceedAsync(sent, abort);
        }
        else if (result.Outcome is AttemptOutcome.Gone or AttemptOutcome.Throttled)
        {
            await RefuseAsync(sent, result, abort);
        }
        else if (sent.Count > 1 && result.RetryAfter is null && BatchSize.MayDependOnContent(result.Outcome))
        {
            // One step on the way to the culprit; only the last one counts.
            lock (_gate)
            {
                _window.Withdraw();
                _batch!.Failed(sent.Count);
                _buffer.PutBack(sent.Batch!);
            }

            await _services.Leases.RecordAsync(
                _lease, _lease.State.Attempts + 1, [(sent.First.Seq, result with { Detail = $"batch of {sent.Count}: {result.Detail}" })], abort);
        }
        else
        {
            await FailAsync(sent, result, abort);
        }
    }

    private async ValueTask SucceedAsync(Outgoing sent, CancellationToken abort)
    {
        IReadOnlyList<long> failed;
        lock (_gate)
        {
            if (sent.Beside is { } beside)
            {
                failed = _window.SucceedBeside(sent.First.Seq, beside.Replay ? "replayed" : "delivered");
                _beside.Done();
            }
            else
            {
                failed = _window.Succeed(sent.First.Seq, sent.LastSeq);
                _batch?.Succeeded();
            }

            if (!_settle.Advanced()) _lost = true;
        }

        // The endpoint is well: what failed before was the fault of those events.
        if (failed.Count > 0) await DeferAsync(failed.Select(TakeUnclear).ToList(), abort);
    }

    /// <summary>The endpoint wants nothing more, for ever or for a while. What is under way may end.</summary>
    private async ValueTask RefuseAsync(Outgoing sent, AttemptResult result, CancellationToken abort)
    {
        lock (_gate)
        {
            _window.Withdraw();
            if (sent.Beside is not null) _beside.Done();
            if (result.Outcome != AttemptOutcome.Gone || _window.InFlight == 0 || _paused)
            {
                // 410 pauses, whatever was answered before.
                if (result.Outcome == AttemptOutcome.Gone) _refusal = (sent, result);
                else _refusal ??= (sent, result);
                return;
            }

            _paused = true;
        }

        // 410 pauses at once (promise 6), not when the slowest of the others has ended; those settle under the lease, which is kept for them.
        var decision = StateBefore.Apply(result, _lease.FailureThreshold, _options, _services.Random.NextDouble());
        var recorded = await _services.Leases.FailAsync(_lease, sent.First.Seq, result, decision, FailureForm.KeepLease, abort);
        _services.Failed(_lease, sent.First.Seq, result, decision, recorded);
    }

    private async ValueTask FailAsync(Outgoing sent, AttemptResult result, CancellationToken abort)
    {
        FailureReading reading;
        lock (_gate)
        {
            if (sent.Beside is not null)
            {
                // It has failed before while others did not, or was asked for again: it says nothing of the endpoint, and must not hold up the stream.
                _window.Withdraw();
                reading = FailureReading.Event;
            }
            else
            {
                reading = _window.Fail(sent.First.Seq, sent.Begun);
                if (_lease.State.Probing && _window.Successes == 0) _window.NoSecondOpinion();
                if (reading == FailureReading.Unclear) _unclear[sent.First.Seq] = (sent, result);
                // Somebody may be waiting for news, and this is to be decided now.
                _buffer.Wake();
            }
        }

        if (reading == FailureReading.Event) await DeferAsync([(sent, result)], abort);
    }

    private (Outgoing Sent, AttemptResult Result) TakeUnclear(long seq)
    {
        lock (_gate) return _unclear.Remove(seq, out var failed) ? failed : throw new InvalidOperationException($"Seq {seq} did not fail.");
    }

    /// <summary>Has events retried beside the stream, or gives them up when their schedule is used up.</summary>
    private async ValueTask DeferAsync(IReadOnlyList<(Outgoing Sent, AttemptResult Result)> failed, CancellationToken abort)
    {
        var waits = _options.EffectiveWaits;
        var deferrals = failed.Select(one =>
        {
            var attempts = (one.Sent.Beside?.Attempts ?? 0) + 1;
            var wait = Backoff.Next(attempts, one.Result.RetryAfter, waits, _services.Random.NextDouble());
            return new Deferral(one.Sent.First.Seq, attempts, wait, one.Sent.Beside?.Replay ?? false, one.Result);
        }).ToList();
        var written = await _services.Deferred.DeferAsync(_lease, deferrals, abort);
        var exhausted = new HashSet<Deferral>();
        lock (_gate)
        {
            foreach (var (sent, _) in failed.Where(one => one.Sent.Beside is not null)) _beside.Done();
            if (!written)
            {
                _lost = true;
                return;
            }

            foreach (var deferral in deferrals)
            {
                _window.Defer(deferral.Seq);
                // Given up before the cursor has passed it, it would be sent anew by the next holder of the lease: it is tried once more instead.
                if (deferral.Attempts > waits.Count && deferral.Seq <= _window.Cursor) exhausted.Add(deferral);
                if (exhausted.Contains(deferral)) _window.End(deferral.Seq, "exhausted");
                else _beside.Expect(_services.Clock.Now + deferral.Wait);
            }

            _buffer.Wake();
            if (!_settle.Advanced()) _lost = true;
        }

        foreach (var deferral in deferrals) _services.Deferring(_lease, deferral, exhausted.Contains(deferral));
    }

    private StreamState StateBefore => _window.Successes > 0 ? StreamState.Clean : _lease.State;

    /// <summary>Nothing is under way any more, and the endpoint has refused or failed: it waits or is paused.</summary>
    private async Task<PumpEnd> EndFailedAsync(CancellationToken abort)
    {
        var before = StateBefore;
        if (!await _settle.AllAsync()) return await LoseAsync();
        var (sent, result) = _refusal ?? _unclear[_window.Unclear[0]];
        // Attempts that began before the last counted failure's wait was over are part of that failure.
        var isNews = _lease.CountedUntil is not { } until || _window.Successes > 0 || result.StartedAt >= until;
        var own = before.Apply(result, _lease.FailureThreshold, _options, _services.Random.NextDouble(), isNews);
        var decision = _services.Egress.Judge(_lease.Endpoint, result, before, own, _options.EffectiveWaits);
        // Alone, an event says nothing of its successors, and must not hold them up.
        var rests = _lease.IsRelaxed && _refusal is null && _window.Unclear.Count == 1 && !_window.IsDecided && decision.Pause is null && decision == own;
        if (rests)
        {
            await DeferAsync([TakeUnclear(_window.Unclear[0])], abort);
            if (_lost || !await _settle.AllAsync()) return await LoseAsync();
        }

        // Before the lease ends: one failure counts for all that were under way, and each of them is evidence.
        var others = _unclear.Where(one => one.Key != sent.First.Seq).Select(one => (one.Key, one.Value.Result)).ToList();
        if (others.Count > 0) await _services.Leases.RecordAsync(_lease, decision.State.Attempts, others, abort);
        var recorded = await _services.Leases.FailAsync(
            _lease, sent.First.Seq, result, decision, rests ? FailureForm.Rest : FailureForm.Wait, abort);
        _services.Failed(_lease, sent.First.Seq, result, decision, recorded);
        // Not recorded: paused, changed or taken over while the request was under way, and whoever did that decides.
        return recorded ? PumpEnd.Failed : await HandBackAsync();
    }
}
