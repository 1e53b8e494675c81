using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

internal enum Due
{
    None,
    Later,
    Now,
}

/// <summary>An event beside the stream.</summary>
internal sealed record Beside(int Attempts, bool Replay, bool IsDue);

/// <summary>
/// What an endpoint's stream is to be after each operation: the reference that the database is compared with. It knows of no SQL, no locks and no
/// pumps. Every operation is one method, which gives what its caller is told.
/// </summary>
internal sealed record StreamModel
{
    private string _log = "";

    public required string Status { get; set; }
    public string? Reason { get; set; }
    public required long Version { get; set; }
    public required long LeaseEpoch { get; set; }
    public Guid? Holder { get; set; }
    public required Due Due { get; set; }
    public bool IsResting { get; set; }
    public int Failures { get; set; }
    public int Attempts { get; set; }
    public long FeedServed { get; set; }
    public bool ReceiverMustWait { get; set; }
    public required long Floor { get; set; }
    public required int Epoch { get; set; }
    public required long Head { get; set; }
    public required long Cursor { get; set; }
    public SortedSet<long> Ahead { get; set; } = [];
    public SortedDictionary<long, Beside> Deferred { get; set; } = [];

    /// <summary>What was settled, in order.</summary>
    public string Log { get => _log; init => _log = value; }

    public bool IsActive => Status == "active";

    public StreamModel Copy() => this with { Ahead = [.. Ahead], Deferred = new(Deferred) };

    public override string ToString() =>
        $"{Status} {Reason} version {Version} lease {LeaseEpoch} of {Holder} due {Due}{(IsResting ? " resting" : "")} failures {Failures}/{Attempts} served {FeedServed}"
        + $"{(ReceiverMustWait ? " receiver waits" : "")} epoch {Epoch} floor {Floor} cursor {Cursor} head {Head} ahead [{string.Join(' ', Ahead)}]"
        + $" beside [{string.Join(' ', Deferred.Select(one => $"{one.Key}:{one.Value.Attempts}{(one.Value.Replay ? "r" : "")}{(one.Value.IsDue ? "!" : "")}"))}] log{Log}";

    public static string Describe(long leaseEpoch, long version, int epoch, long cursor, IEnumerable<long> ahead, IEnumerable<long> deferred) =>
        $"lease {leaseEpoch} version {version} epoch {epoch} after {cursor} ahead [{string.Join(' ', ahead)}] deferred [{string.Join(' ', deferred)}]";

    public string Claim(Guid node, bool isLive)
    {
        if (!isLive || !IsActive || Holder is not null || Due != Due.Now) return "nothing";
        (Holder, Due, IsResting) = (node, Due.None, false);
        LeaseEpoch++;
        return Describe(LeaseEpoch, Version, Epoch, Cursor, Ahead, Deferred.Where(one => one.Key > Cursor && !one.Value.Replay).Select(one => one.Key));
    }

    /// <summary>What a holder is given to send: the numbers of the stream after its cursor, and those that are due beside it.</summary>
    public string Look(EndpointLease lease) => lease.Epoch != Epoch
        ? "[] []"
        : $"[{string.Join(' ', Numbers(lease.Cursor + 1, Head))}] [{string.Join(' ', Deferred.Where(one => one.Value.IsDue).Select(one => one.Key))}]";

    public bool Settle(Guid node, EndpointLease lease, Settlement settlement, bool forget)
    {
        if (!Holds(node, lease) || Version != lease.Version || settlement.Follows != Cursor) return false;
        if (forget) (Failures, Attempts, ReceiverMustWait) = (0, 0, false);
        foreach (var run in settlement.Runs)
        {
            Write(run.First, run.Last, run.Outcome, settlement.Cursor);
            if (run.Ends) Deferred.Remove(run.First);
        }

        Ahead = [.. settlement.Ahead];
        return true;
    }

    public bool Defer(Guid node, EndpointLease lease, IEnumerable<Deferral> deferrals)
    {
        if (!Holds(node, lease) || Version != lease.Version) return false;
        foreach (var one in deferrals) Deferred[one.Seq] = new Beside(one.Attempts, Deferred.TryGetValue(one.Seq, out var was) ? was.Replay : one.Replay, IsDue: false);
        return true;
    }

    public bool Fail(Guid node, EndpointLease lease, FailureDecision decision, FailureForm form)
    {
        if (!Holds(node, lease) || Version != lease.Version || !IsActive) return false;
        (Failures, Attempts) = (decision.State.ConsecutiveFailures, decision.State.Attempts);
        if (decision.Pause is { } reason) (Status, Reason) = ("paused", reason.Word());
        // What was numbered meanwhile does not wait with the one that failed.
        var more = form == FailureForm.Rest && Head > Cursor;
        IsResting = form == FailureForm.Rest && IsActive && !more;
        if (form == FailureForm.KeepLease) return true;
        Holder = null;
        Due = !IsActive ? Due.None : more ? Due.Now : IsResting && FirstBeside == Due.Now ? Due.Now : Due.Later;
        return true;
    }

    public void Release(Guid node, EndpointLease lease)
    {
        if (Holds(node, lease)) (Holder, Due) = (null, IsActive ? Due.Now : Due.None);
    }

    public bool ReleaseIdle(Guid node, EndpointLease lease)
    {
        if (!Holds(node, lease) || Version != lease.Version || Head > Cursor) return false;
        (Holder, Due) = (null, IsActive ? FirstBeside : Due.None);
        IsResting = Due != Due.None;
        return true;
    }

    public void NodeGone(Guid node)
    {
        if (Holder != node) return;
        (Holder, Due) = (null, IsActive ? Due.Now : Due.None);
        LeaseEpoch++;
    }

    public string Pause()
    {
        if (Reason != "manual") (Status, Reason, Due) = ("paused", "manual", Due.None);
        return Holder is null ? "stopped" : "waits for the holder";
    }

    public bool Resume(long? after)
    {
        if (after < Floor - 1 || after > Head) return false;
        if (!IsActive || after is not null) Resume(after ?? Cursor, "skipped", byReceiver: false);
        return true;
    }

    public ResumeRefusal ResumeForReceiver(long after)
    {
        if (IsActive) return ResumeRefusal.NotPaused;
        if (Reason == "manual") return ResumeRefusal.PausedByOperator;
        if (after > Head) return ResumeRefusal.AfterAboveHead;
        if (after < Floor - 1) return ResumeRefusal.AfterBelowFloor;
        if (ReceiverMustWait) return ResumeRefusal.TooSoon;
        Resume(after <= Cursor ? after : Math.Max(Cursor, Math.Min(after, FeedServed)), "taken_from_feed", byReceiver: true);
        return ResumeRefusal.None;
    }

    public void Serve(long after, long last, long cursor)
    {
        if (FeedServed < last && after <= Math.Max(FeedServed, cursor)) FeedServed = last;
    }

    public string Replay(long first, long last)
    {
        if (first > last || first < Floor || last > Head) return "refused";
        // What has its turn yet to come is sent then.
        var asked = Numbers(first, last).Where(seq => seq <= Cursor && Deferred.TryAdd(seq, new Beside(0, Replay: true, IsDue: true))).Count();
        Version++;
        if (IsActive && Holder is null && (Due == Due.None || IsResting)) Due = Due.Now;
        IsResting &= !IsActive || Holder is not null;
        return $"{asked}";
    }

    public bool Skip(long seq)
    {
        var isNext = seq == Cursor + 1 && seq <= Head;
        if (!(seq <= Cursor + 1 && Deferred.Remove(seq)) && !isNext) return false;
        Pass(seq, seq, "skipped", isNext ? seq : Cursor);
        Ahead.RemoveWhere(ahead => ahead <= Cursor);
        Version++;
        (Attempts, IsResting) = (0, false);
        if (IsActive && Holder is null) Due = Due.Now;
        return true;
    }

    public void RaiseFloor(long asked)
    {
        var floor = Math.Min(asked, Math.Max(Floor - 1, Head) + 1);
        if (floor <= Floor) return;
        var gone = Deferred.Where(one => one.Key < floor).ToList();
        foreach (var (seq, _) in gone) Deferred.Remove(seq);
        var (cursor, expired) = (Math.Max(Cursor, floor - 1), gone.Where(one => one.Key <= Cursor && !one.Value.Replay).Select(one => (First: one.Key, Last: one.Key)).ToList());
        if (Cursor < floor - 1) expired.Add((Cursor + 1, floor - 1));
        foreach (var (first, last) in expired) Pass(first, last, "expired", cursor);
        Ahead.RemoveWhere(seq => seq < floor);
        if (gone.Count + expired.Count > 0) Version++;
        Floor = floor;
    }

    public void RaiseEpoch(int epoch)
    {
        Epoch = epoch;
        Version = Math.Max(Version, (long)epoch << 20) + 1;
    }

    public void Grow(int events)
    {
        Head += events;
        if (IsActive && Holder is null && (Due == Due.None || IsResting)) (Due, IsResting) = (Due.Now, false);
    }

    /// <summary>So much time that all that waits is due.</summary>
    public void PassTime()
    {
        if (Due == Due.Later) Due = Due.Now;
        ReceiverMustWait = false;
        foreach (var (seq, one) in Deferred.ToList()) Deferred[seq] = one with { IsDue = true };
    }

    private Due FirstBeside => Deferred.Count == 0 ? Due.None : Deferred.Values.Any(one => one.IsDue) ? Due.Now : Due.Later;

    private bool Holds(Guid node, EndpointLease lease) => Holder == node && LeaseEpoch == lease.LeaseEpoch;

    private void Resume(long to, string outcome, bool byReceiver)
    {
        if (to < Cursor)
        {
            Write(to + 1, Cursor, "rewound", to);
            Ahead = [];
            foreach (var seq in Deferred.Keys.Where(seq => seq > to).ToList()) Deferred.Remove(seq);
        }
        else if (to > Cursor)
        {
            // They are settled, and not retried any more; what was asked for again still is.
            foreach (var seq in Deferred.Where(one => one.Key > Cursor && one.Key <= to && !one.Value.Replay).Select(one => one.Key).ToList()) Deferred.Remove(seq);
            Pass(Cursor + 1, to, outcome, to);
            Ahead.RemoveWhere(seq => seq <= to);
        }

        (Status, Reason, Failures, Attempts, IsResting, ReceiverMustWait) = ("active", null, 0, 0, false, byReceiver);
        Due = Holder is null ? Due.Now : Due.None;
        Version++;
    }

    /// <summary>What of it was accepted ahead of its turn was delivered, and each such number is a row of its own.</summary>
    private void Pass(long first, long last, string outcome, long cursor)
    {
        var next = first;
        foreach (var seq in Ahead.Where(seq => seq >= first && seq <= last))
        {
            if (next < seq) Write(next, seq - 1, outcome, cursor);
            Write(seq, seq, "delivered", cursor);
            next = seq + 1;
        }

        if (next <= last) Write(next, last, outcome, cursor);
    }

    private void Write(long first, long last, string outcome, long cursor)
    {
        _log += $" {first}-{last} {outcome}@{cursor}";
        Cursor = cursor;
    }

    private static IEnumerable<long> Numbers(long first, long last)
    {
        for (var seq = first; seq <= last; seq++) yield return seq;
    }
}
