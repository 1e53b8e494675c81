using System.Collections.Concurrent;

namespace Webhooks.Dispatcher.Sending;

/// <summary>What an observation changed.</summary>
internal enum EgressChange
{
    None,
    Suspected,
    Recovered,
}

/// <summary>How a connection failure is to be taken.</summary>
internal enum EgressVerdict
{
    /// <summary>The endpoint's own.</summary>
    Counts,

    /// <summary>It may be this node's network: not counted.</summary>
    Suspect,

    /// <summary>It is too early to tell, and the endpoint would be paused: one attempt more, shortly.</summary>
    Confirm,
}

/// <summary>
/// Whether the node's own network is at fault (design 5.2). No clock, socket or database: it is told what came of attempts, and when.
/// Suspicion begins when, in some stretch of time that ends now and lies within the window, more than half of the endpoints tried, and of enough of them,
/// could not be reached at their last attempt. The stretch may be short, since those that answered just before a cut say nothing against it.
/// </summary>
internal sealed class EgressMonitor(EgressOptions options)
{
    // So many endpoints that could not be reached, and now answer, one after another, end the suspicion.
    private const int Healed = 5;

    // In seconds; longer than any wait between attempts by default.
    private const int OwnFor = 2 * 3600;
    private static readonly TimeSpan ConfirmationHolds = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, Sighting> _seen = new();
    private readonly int _window = (int)Math.Ceiling(options.Window.TotalSeconds);
    private readonly int[] _answering = new int[(int)Math.Ceiling(options.Window.TotalSeconds) + 1];
    private readonly int[] _failing = new int[(int)Math.Ceiling(options.Window.TotalSeconds) + 1];
    private long _second;
    private TimeSpan _suspectSince;
    private TimeSpan _recoveredAt = TimeSpan.MinValue;
    private TimeSpan _healingSince;
    private int _healed;
    private TimeSpan? _answeredSince;
    private TimeSpan _lastAnswer;
    private volatile bool _isSuspect;

    public bool IsSuspect => _isSuspect;

    /// <summary>Since when the network has been suspected.</summary>
    public TimeSpan SuspectSince => _suspectSince;

    /// <summary>Takes note of an attempt. One that went well costs next to nothing, as there are tens of thousands a second.</summary>
    public EgressChange Observe(long endpoint, bool failed, TimeSpan startedAt, TimeSpan now)
    {
        var second = (long)now.TotalSeconds;
        if (!failed && !_isSuspect && _seen.TryGetValue(endpoint, out var known) && known.Second == second && !known.Failing && !known.IsMarked) return EgressChange.None;
        lock (_gate)
        {
            Advance(second, now);
            second = _second;
            if (!_seen.TryGetValue(endpoint, out var sighting)) _seen[endpoint] = sighting = new Sighting { Second = -1 };
            // Begun while the network was away, and ended only now: no news of it, and not the endpoint's fault either.
            sighting.Excused = failed && !_isSuspect && startedAt < _recoveredAt;
            if (sighting.Excused) return EgressChange.None;
            var healed = sighting.Failing && !failed;
            Uncount(sighting);
            sighting.Failing = failed;
            sighting.Second = second;
            if (!failed) (sighting.Own, sighting.ConfirmingSince) = (false, null);
            if (!sighting.Own) Counts(failed)[second % _answering.Length]++;
            return _isSuspect ? Judge(failed, healed, startedAt, now) : Suspect(now);
        }
    }

    /// <summary>How a connection failure, observed already, is to be taken.</summary>
    public EgressVerdict Judge(long endpoint, bool wouldPause, TimeSpan now)
    {
        lock (_gate)
        {
            var sighting = _seen.GetValueOrDefault(endpoint);
            if ((_isSuspect || sighting is { Excused: true }) && sighting is not { Own: true })
            {
                if (sighting is not null) sighting.ConfirmingSince = null;
                return EgressVerdict.Suspect;
            }

            if (!wouldPause || sighting is null or { Own: true }) return EgressVerdict.Counts;
            if (now - sighting.ConfirmingSince < ConfirmationHolds)
            {
                sighting.ConfirmingSince = null;
                return EgressVerdict.Counts;
            }

            sighting.ConfirmingSince = now;
            return EgressVerdict.Confirm;
        }
    }

    private EgressChange Suspect(TimeSpan now)
    {
        if (!LooksCut()) return EgressChange.None;
        (_isSuspect, _suspectSince, _healed, _answeredSince) = (true, now, 0, null);
        return EgressChange.Suspected;
    }

    private EgressChange Judge(bool failed, bool healed, TimeSpan startedAt, TimeSpan now)
    {
        if (failed)
        {
            // One that was under way while the network was still away says nothing about now.
            if (startedAt >= _healingSince) _healed = 0;
        }
        else if (startedAt >= _suspectSince)
        {
            if (_answeredSince is null || now - _lastAnswer > options.Window) _answeredSince = now;
            _lastAnswer = now;
        }

        if (healed && _healed++ == 0) _healingSince = now;
        // What answered throughout shows that there is a network: then what cannot be reached for so long is at fault itself.
        var stale = !failed && now - _answeredSince >= options.Patience;
        if (!stale && _healed < Healed && (failed || _answeredSince is null || LooksCut())) return EgressChange.None;
        foreach (var (_, sighting) in _seen)
        {
            Uncount(sighting);
            sighting.Own |= stale && sighting.Failing;
            sighting.Second = -1;
        }

        (_isSuspect, _recoveredAt) = (false, now);
        return EgressChange.Recovered;
    }

    private bool LooksCut()
    {
        var (seen, failing) = (0, 0);
        for (var back = 0; back <= _window && back <= _second; back++)
        {
            var at = (_second - back) % _answering.Length;
            failing += _failing[at];
            seen += _failing[at] + _answering[at];
            if (seen >= options.MinEndpoints && failing * 2 > seen) return true;
        }

        return false;
    }

    private void Advance(long second, TimeSpan now)
    {
        if (second <= _second) return;
        for (var passed = Math.Max(_second + 1, second - _window); passed <= second; passed++)
            _answering[passed % _answering.Length] = _failing[passed % _failing.Length] = 0;
        // Once a window, those not heard of in it are forgotten.
        var prune = second / _window != _second / _window;
        _second = second;
        if (!prune) return;
        foreach (var (endpoint, sighting) in _seen)
        {
            if (sighting.Second < second - (sighting.Own ? OwnFor : _window) && !(_isSuspect && sighting.Failing) && !(now - sighting.ConfirmingSince < ConfirmationHolds))
                _seen.TryRemove(endpoint, out _);
        }
    }

    private void Uncount(Sighting sighting)
    {
        if (sighting.Second >= 0 && sighting.Second >= _second - _window && !sighting.Own)
            Counts(sighting.Failing)[sighting.Second % _answering.Length]--;
    }

    private int[] Counts(bool failed) => failed ? _failing : _answering;

    /// <summary>The last attempt at an endpoint.</summary>
    private sealed class Sighting
    {
        private long _second;

        public long Second
        {
            get => Volatile.Read(ref _second);
            set => Volatile.Write(ref _second, value);
        }

        public bool Failing { get; set; }

        /// <summary>Found to be at fault itself; says nothing about the network until it answers.</summary>
        public bool Own { get; set; }

        /// <summary>The last failure began while the network was suspected.</summary>
        public bool Excused { get; set; }

        public TimeSpan? ConfirmingSince { get; set; }

        public bool IsMarked => Own || ConfirmingSince is not null;
    }
}
