using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

/// <summary>What a pump would be: a lease, and what was sent under it. It may have lost the lease and not know.</summary>
internal sealed class ModelSender(ModelNode node, EndpointLease lease, DeliveryOptions options)
{
    private readonly DeliveryWindow _window = new(
        lease.Cursor, lease.Ahead, lease.DeferredAhead, lease.IsRelaxed ? lease.MaxInFlight : 1, lease.State.ConsecutiveFailures > 0 || lease.State.Attempts > 0);

    private readonly SortedDictionary<long, long> _inFlight = [];
    private readonly Dictionary<long, Deferral> _failing = [];
    private Settlement? _unwritten;
    private bool _forgotten;
    private bool _lost;

    public ModelNode Node => node;
    public EndpointLease Lease => lease;

    /// <summary>Begins to send what it may of what it was given; gives what it began.</summary>
    public List<long> Send(IEnumerable<long> given, int most)
    {
        var begun = new List<long>();
        if (_lost) return begun;
        foreach (var seq in given)
        {
            if (begun.Count == most || !_window.MayBegin || (_window.InFlight > 0 && _window.IsTooFar(seq))) break;
            if (_window.HasPassed(seq) || _inFlight.ContainsKey(seq) || _window.Unclear.Contains(seq) || _failing.ContainsKey(seq)) continue;
            if (!lease.IsRelaxed) Assert.Equal(_window.Cursor + 1, seq);
            _inFlight.Add(seq, _window.Begin());
            begun.Add(seq);
        }

        return begun;
    }

    /// <summary>It was told that its lease is gone, as a pump is that cannot write down a deferral: it begins nothing more.</summary>
    public void Lose() => _lost = true;

    public void Succeed(int which)
    {
        if (_inFlight.Count == 0) return;
        var seq = _inFlight.Keys.ElementAt(which % _inFlight.Count);
        _inFlight.Remove(seq);
        Blame(_window.Succeed(seq, seq));
    }

    public void Refuse(int which)
    {
        if (_inFlight.Count == 0) return;
        var seq = _inFlight.Keys.ElementAt(which % _inFlight.Count);
        _inFlight.Remove(seq, out var begun);
        if (_window.Fail(seq, begun) == FailureReading.Event) Blame([seq]);
    }

    /// <summary>410: the endpoint, not the event. True when one was under way.</summary>
    public bool Gone()
    {
        if (_inFlight.Count == 0) return false;
        _inFlight.Remove(_inFlight.Keys.First());
        _window.Withdraw();
        return true;
    }

    public void SucceedBeside(DeferredEvent one)
    {
        if (_lost || !_window.MayBegin) return;
        _window.Begin();
        Blame(_window.SucceedBeside(one.Item.Seq, one.Replay ? "replayed" : "delivered"));
    }

    public void RefuseBeside(DeferredEvent one)
    {
        if (_lost || !_window.MayBegin) return;
        _window.Begin();
        _window.Withdraw();
        _failing[one.Item.Seq] = new Deferral(one.Item.Seq, one.Attempts + 1, TimeSpan.FromDays(1), one.Replay, Failed);
    }

    /// <summary>Events that are to be retried beside the stream, which is to be written down.</summary>
    public IReadOnlyList<Deferral> Deferring => [.. _failing.Values];

    public void Deferred()
    {
        foreach (var deferral in _failing.Values)
        {
            _window.Defer(deferral.Seq);
            if (deferral.Attempts > options.EffectiveWaits.Count && deferral.Seq <= _window.Cursor) _window.End(deferral.Seq, "exhausted");
        }

        _failing.Clear();
    }

    /// <summary>What is to be settled; the same again until <see cref="Settled"/>.</summary>
    public Settlement? Unwritten => _unwritten ??= _window.Take();

    public bool Forgets => lease.Blemished && !_forgotten && _window.Successes > 0;

    public void Settled(bool forgot)
    {
        _unwritten = null;
        _forgotten |= forgot;
    }

    /// <summary>What is to be written of the endpoint's failure; null when it has not failed.</summary>
    public (FailureDecision Decision, FailureForm Form)? Failure { get; private set; }

    /// <summary>Reads from what is known whether the endpoint has failed.</summary>
    /// <param name="isGone">Whether it has answered 410.</param>
    public void Judge(bool isGone)
    {
        if (Failure is not null || !(isGone || (_window.Unclear.Count > 0 && _inFlight.Count == 0))) return;
        var before = _window.Successes > 0 ? StreamState.Clean : lease.State;
        var decision = before.Apply(isGone ? Failed with { Outcome = AttemptOutcome.Gone } : Failed, lease.FailureThreshold, options, 0.5);
        // Alone, an event says nothing of its successors: it waits beside the stream.
        var rests = lease.IsRelaxed && !isGone && _window.Unclear.Count == 1 && !_window.IsDecided && decision.Pause is null;
        Failure = (decision, isGone && _inFlight.Count > 0 ? FailureForm.KeepLease : rests ? FailureForm.Rest : FailureForm.Wait);
        if (rests) Blame(_window.Unclear);
    }

    public static AttemptResult Failed { get; } = new(AttemptOutcome.HttpError, 500) { StartedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) };

    private void Blame(IReadOnlyList<long> seqs)
    {
        foreach (var seq in seqs) _failing[seq] = First(seq);
    }

    private static Deferral First(long seq) => new(seq, 1, TimeSpan.FromDays(1), Replay: false, Failed);
}
