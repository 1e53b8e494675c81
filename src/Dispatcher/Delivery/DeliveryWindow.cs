namespace Webhooks.Dispatcher.Delivery;

/// <summary>A run of numbers that ended the same way.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Last">The highest; one less than <paramref name="First"/> for an empty run, which only tells what is ahead.</param>
/// <param name="Outcome">The word for it, as in the table of settlements.</param>
/// <param name="Ends">Whether it ends the retries beside the stream of an event that was deferred or replayed.</param>
internal readonly record struct SettledRun(long First, long Last, string Outcome, bool Ends = false);

/// <summary>What came of sending since it was last written down.</summary>
/// <param name="Follows">The cursor that was written last; it is compared.</param>
/// <param name="Runs">What ended, and how.</param>
/// <param name="Cursor">Where the stream stands after them.</param>
/// <param name="Ahead">What was accepted beyond it.</param>
internal sealed record Settlement(long Follows, IReadOnlyList<SettledRun> Runs, long Cursor, IReadOnlyCollection<long> Ahead);

/// <summary>What follows from a failed attempt.</summary>
internal enum FailureReading
{
    /// <summary>The endpoint took others meanwhile: the event is the trouble, and is retried beside the stream.</summary>
    Event,

    /// <summary>Nothing was taken since it began: it may be the event or the endpoint, and nothing more is known until another attempt ends.</summary>
    Unclear,
}

/// <summary>
/// Which numbers of a stream are under way, were accepted out of their turn, or failed; pure. A strict stream is one with a single place in
/// flight. Whether a failing event or its endpoint is at fault is read from what happens to others: an attempt that fails while another succeeds
/// is the event's failure; when none succeeds, one more event is tried as a second opinion, and then it is the endpoint's, as one failure.
/// </summary>
internal sealed class DeliveryWindow
{
    private readonly int _maxInFlight;
    private readonly int _maxAhead;
    private readonly bool _strict;
    private readonly SortedDictionary<long, bool> _passed = [];
    private readonly List<long> _unclear = [];
    private readonly List<SettledRun> _ended = [];
    private readonly List<long> _deferredBehind = [];
    private long _written;
    private bool _aheadChanged;
    private bool _cautious;
    private bool _secondOpinion;

    /// <param name="cursor">Every number up to it has passed.</param>
    /// <param name="ahead">Numbers accepted beyond it.</param>
    /// <param name="deferred">Numbers beyond it that are retried beside the stream already.</param>
    /// <param name="maxInFlight">How many may be under way.</param>
    /// <param name="cautious">Whether the last attempt failed: then one at a time, until one succeeds.</param>
    /// <param name="relaxed">Whether a failing event may be passed, though there be a single place.</param>
    public DeliveryWindow(long cursor, IEnumerable<long> ahead, IEnumerable<long> deferred, int maxInFlight, bool cautious, bool relaxed = false)
    {
        Cursor = _written = cursor;
        _maxInFlight = maxInFlight;
        _strict = maxInFlight == 1 && !relaxed;
        // More than are in flight, so that one slow answer does not hold up the rest; not without end, for all of it is written with the cursor.
        _maxAhead = _strict ? 1 : Math.Max(1000, maxInFlight * 4);
        _cautious = cautious;
        foreach (var seq in ahead) _passed[seq] = false;
        foreach (var seq in deferred) _passed[seq] = true;
        Slide();
    }

    /// <summary>Every number up to it was accepted, or is retried beside the stream.</summary>
    public long Cursor { get; private set; }

    /// <summary>How many are under way.</summary>
    public int InFlight { get; private set; }

    /// <summary>How many were accepted so far.</summary>
    public long Successes { get; private set; }

    /// <summary>Numbers whose attempts failed without another one succeeding, in the order of their failing.</summary>
    public IReadOnlyList<long> Unclear => _unclear;

    /// <summary>Whether another attempt may begin.</summary>
    public bool MayBegin => _unclear.Count > 0 ? !_secondOpinion && InFlight < _maxInFlight : InFlight < (_cautious ? 1 : _maxInFlight);

    /// <summary>Whether the failures so far are the endpoint's: nothing is under way that could show otherwise.</summary>
    public bool IsDecided => _unclear.Count > 0 && InFlight == 0 && _secondOpinion;

    /// <summary>Whether the number was accepted or deferred before its turn, and is not to be sent with the stream.</summary>
    public bool HasPassed(long seq) => seq <= Cursor || _passed.ContainsKey(seq);

    /// <summary>Whether a number lies so far beyond the cursor that it must wait.</summary>
    public bool IsTooFar(long seq) => seq > Cursor + _maxAhead;

    /// <summary>An attempt begins.</summary>
    /// <returns>What <see cref="Fail"/> is to be told.</returns>
    public long Begin()
    {
        InFlight++;
        if (_unclear.Count > 0) _secondOpinion = true;
        return Successes;
    }

    /// <summary>An attempt ended, or did not begin after all, and nothing follows from it.</summary>
    public void Withdraw()
    {
        InFlight--;
        if (InFlight == 0) _secondOpinion = false;
    }

    /// <summary>The numbers from one to another, sent together, were accepted.</summary>
    /// <returns>The events whose failure this shows to be their own.</returns>
    public IReadOnlyList<long> Succeed(long first, long last)
    {
        if (first == Cursor + 1 && _passed.Count == 0)
        {
            Cursor = last;
        }
        else
        {
            for (var seq = first; seq <= last; seq++) Pass(seq, deferred: false);
        }

        return Succeeded();
    }

    /// <summary>An event that is sent beside the stream was accepted.</summary>
    /// <inheritdoc cref="Succeed"/>
    public IReadOnlyList<long> SucceedBeside(long seq, string outcome)
    {
        if (_passed.ContainsKey(seq))
        {
            // The cursor is not there yet: from here on it is one that was accepted ahead, and is settled when the cursor passes it. What ends now are the retries.
            _passed[seq] = false;
            _aheadChanged = true;
            _ended.Add(new SettledRun(seq, seq - 1, "delivered", Ends: true));
        }
        else
        {
            End(seq, outcome);
        }

        return Succeeded();
    }

    /// <summary>Retries beside the stream end without success; of an event that the cursor has passed.</summary>
    public void End(long seq, string outcome) => _ended.Add(new SettledRun(seq, seq, outcome, Ends: true));

    /// <summary>An attempt failed.</summary>
    /// <param name="seq">The lowest number in it.</param>
    /// <param name="begun">What <see cref="Begin"/> gave.</param>
    public FailureReading Fail(long seq, long begun)
    {
        InFlight--;
        if (Successes > begun && !_strict) return FailureReading.Event;
        if (_strict) _secondOpinion = true;
        _unclear.Add(seq);
        return FailureReading.Unclear;
    }

    /// <summary>There is nothing else to try: what is unclear stays so.</summary>
    public void NoSecondOpinion() => _secondOpinion = true;

    /// <summary>The event is retried beside the stream from now on, which has been written down.</summary>
    public void Defer(long seq)
    {
        _unclear.Remove(seq);
        // Deferred again: the cursor is beyond it already.
        if (seq > Cursor) Pass(seq, deferred: true);
    }

    /// <summary>What is to be written since the last time; null when nothing is.</summary>
    public Settlement? Take()
    {
        if (Cursor == _written && _ended.Count == 0 && !_aheadChanged) return null;
        var runs = new List<SettledRun>();
        var first = _written + 1;
        foreach (var seq in _deferredBehind)
        {
            if (seq > first) runs.Add(new SettledRun(first, seq - 1, "delivered"));
            runs.Add(new SettledRun(seq, seq, "deferred"));
            first = seq + 1;
        }

        if (first <= Cursor) runs.Add(new SettledRun(first, Cursor, "delivered"));
        runs.AddRange(_ended);
        if (runs.Count == 0) runs.Add(new SettledRun(Cursor + 1, Cursor, "delivered"));
        var ahead = _passed.Count == 0 ? [] : _passed.Where(passed => !passed.Value).Select(passed => passed.Key).ToArray();
        var settlement = new Settlement(_written, runs, Cursor, ahead);
        (_written, _aheadChanged) = (Cursor, false);
        _deferredBehind.Clear();
        _ended.Clear();
        return settlement;
    }

    private long[] Succeeded()
    {
        InFlight--;
        Successes++;
        (_cautious, _secondOpinion) = (false, false);
        if (_unclear.Count == 0) return [];
        var failed = _unclear.ToArray();
        _unclear.Clear();
        return failed;
    }

    private void Pass(long seq, bool deferred)
    {
        if (seq <= Cursor) return;
        _passed[seq] = deferred;
        if (!deferred) _aheadChanged = true;
        Slide();
    }

    /// <summary>Moves the cursor over what has passed.</summary>
    private void Slide()
    {
        while (_passed.Remove(Cursor + 1, out var deferred))
        {
            Cursor++;
            if (deferred) _deferredBehind.Add(Cursor);
        }
    }
}
