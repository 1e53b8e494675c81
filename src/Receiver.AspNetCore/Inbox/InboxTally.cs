using System.Collections.Immutable;

namespace Webhooks.Receiver;

/// <summary>
/// What a store keeps in mind of a source, so that a look at it costs nothing. Reads a store's numbers through a function only where they matter.
/// Not safe for threads: the store locks it.
/// </summary>
internal class InboxTally
{
    /// <summary>Nothing is settled ahead. Sorted by number.</summary>
    public static readonly ImmutableSortedSet<StreamPosition> NoneAhead = ImmutableSortedSet.Create<StreamPosition>(
        Comparer<StreamPosition>.Create((one, other) => (one.Seq, one.Epoch).CompareTo((other.Seq, other.Epoch))));

    public string? Endpoint { get; set; }

    public StreamPosition? Position { get; protected set; }

    public EpochMap Epochs { get; set; } = EpochMap.Empty;

    public List<SeqRange> Lost { get; } = [];

    public long Contiguous { get; protected set; }

    public long Lowest { get; set; }

    public long Highest { get; set; }

    public int HighestEpoch { get; set; }

    public long HighestEpochLowest { get; set; }

    public long Waiting { get; set; }

    public long UnnumberedWaiting { get; set; }

    /// <summary>Those of them whose handler has used up its attempts.</summary>
    public long UnnumberedFailed { get; set; }

    public StreamHold? Hold { get; set; }

    /// <summary>What was settled by itself beyond the watermark.</summary>
    public ImmutableSortedSet<StreamPosition> Ahead { get; set; } = NoneAhead;

    /// <summary>What single events of the stream wait for, by number and epoch.</summary>
    public SortedDictionary<(long Seq, int Epoch), StreamHold> EventHolds { get; } = [];

    public bool Suspect { get; set; }

    public InboxCounts Counts { get; set; }

    /// <summary>The watermark, or where a new epoch takes it back to.</summary>
    public long Base => Position is { } position ? Epochs.Base(position) : 0;

    /// <summary>Puts a hold in place of another; a conflict goes only when it is meant to.</summary>
    public void SetHold(StreamHold? hold, bool clearConflict)
    {
        if (clearConflict || Hold is not { Reason: HoldReason.StreamConflict }) Hold = hold;
    }

    /// <summary>
    /// Takes note of an epoch's beginning. What was lost from there on was lost of an earlier epoch, and the new one has numbers of its own there.
    /// </summary>
    public void Begin(EpochStart epoch)
    {
        if (Epochs.Starts.Any(known => known.Epoch >= epoch.Epoch)) return;
        Epochs = Epochs.With(epoch);
        for (var i = Lost.Count - 1; i >= 0; i--)
        {
            if (Lost[i].From >= epoch.Seq) Lost.RemoveAt(i);
            else if (Lost[i].To >= epoch.Seq) Lost[i] = Lost[i] with { To = epoch.Seq - 1 };
        }
    }

    /// <summary>Takes note of a stored event.</summary>
    /// <param name="stored">The event.</param>
    /// <param name="numbersAfter">The stored numbers that count after one, in order.</param>
    public void Added(InboxEvent stored, Func<long, IEnumerable<long>> numbersAfter)
    {
        Counts = stored.FromFeed ? Counts with { Backfilled = Counts.Backfilled + 1 } : Counts with { Received = Counts.Received + 1 };
        if (stored.Seq == 0)
        {
            UnnumberedWaiting++;
            return;
        }

        // A late delivery of what a later epoch has superseded waits for nothing, and is no sign of a gap.
        if (stored.Epoch < Epochs.At(stored.Seq)) return;
        // An inbox that was lost, and its marks not, gets back what is settled.
        if (!Ahead.Contains(new StreamPosition(stored.Epoch, stored.Seq))) Waiting++;
        var wasHighest = stored.Seq > Highest;
        Highest = Math.Max(Highest, stored.Seq);
        Lowest = Lowest == 0 ? stored.Seq : Math.Min(Lowest, stored.Seq);
        if (stored.Epoch > HighestEpoch) (HighestEpoch, HighestEpochLowest) = (stored.Epoch, stored.Seq);
        else if (stored.Epoch == HighestEpoch) HighestEpochLowest = Math.Min(HighestEpochLowest, stored.Seq);
        if (Position is null || stored.Seq != Contiguous + 1 || !Epochs.Counts(stored.Epoch, stored.Seq)) return;

        // In order, the usual case, nothing lies beyond and nothing has to be read.
        if (wasHighest && Lost.All(range => range.To < stored.Seq)) Contiguous = stored.Seq;
        else Contiguous = SeqScan.Contiguous(Contiguous, numbersAfter(Contiguous), Lost);
    }

    /// <summary>Puts the watermark somewhere, and finds out anew what follows it.</summary>
    /// <param name="position">Where.</param>
    /// <param name="numbersAfter">The stored numbers that count after one, in order.</param>
    /// <param name="storedAfter">All that is stored after one.</param>
    public void Reset(StreamPosition? position, Func<long, IEnumerable<long>> numbersAfter, Func<long, IEnumerable<EpochStart>> storedAfter)
    {
        Position = position;
        // The epochs may have been lost with the inbox, and the watermark not: after it, at least its own epoch holds.
        if (position is { } known && Epochs.Latest < known.Epoch) Epochs = Epochs.With(new EpochStart(known.Epoch, 1));
        Contiguous = SeqScan.Contiguous(Base, numbersAfter(Base), Lost);
        (Waiting, Highest) = (0, Base);
        foreach (var settled in EventHolds.Keys.Where(key => key.Seq <= Base || Ahead.Contains(new StreamPosition(key.Epoch, key.Seq))).ToList())
            EventHolds.Remove(settled);
        // What a later epoch has superseded waits for nothing, and is no sign of a gap.
        foreach (var one in storedAfter(Base))
        {
            if (one.Epoch < Epochs.At(one.Seq)) continue;
            Highest = Math.Max(Highest, one.Seq);
            if (!Ahead.Contains(new StreamPosition(one.Epoch, one.Seq))) Waiting++;
        }
    }

    /// <summary>Moves the watermark on.</summary>
    public void Advance(StreamPosition to, Settlement how)
    {
        var passed = to.Seq - (Position?.Seq ?? 0);
        if (how is not (Settlement.Lost or Settlement.Marked)) Waiting = Math.Max(0, Waiting - passed);
        Position = to;
        Contiguous = Math.Max(Contiguous, to.Seq);
        Counts = Counts.With(how, how == Settlement.Lost ? passed : 1);
        while (Ahead.Count > 0 && Ahead.Min.Seq <= to.Seq) Ahead = Ahead.Remove(Ahead.Min);
        while (EventHolds.Count > 0 && EventHolds.First().Key is var first && first.Seq <= to.Seq) EventHolds.Remove(first);
    }

    /// <summary>Takes note of an event that was settled by itself.</summary>
    public void Marked(EventKey key, Settlement how)
    {
        Counts = Counts.With(how);
        if (key.Seq == 0) return;
        Ahead = Ahead.Add(new StreamPosition(key.Epoch, key.Seq));
        EventHolds.Remove((key.Seq, key.Epoch));
        Waiting = Math.Max(0, Waiting - 1);
    }

    /// <summary>Takes note of what an event of the stream waits for.</summary>
    public void SetEventHold(EventKey key, StreamHold? hold)
    {
        EventHolds.Remove((key.Seq, key.Epoch));
        if (hold is not null && key.Seq > Base && !Ahead.Contains(new StreamPosition(key.Epoch, key.Seq))) EventHolds.Add((key.Seq, key.Epoch), hold);
    }

    public InboxState Snapshot() => new()
    {
        Endpoint = Endpoint, Position = Position, Epochs = Epochs, Contiguous = Contiguous, Lowest = Lowest, Highest = Highest,
        HighestEpoch = HighestEpoch, HighestEpochLowest = HighestEpochLowest, Waiting = Waiting, UnnumberedWaiting = UnnumberedWaiting, UnnumberedFailed = UnnumberedFailed,
        Lost = [.. Lost], SettledAhead = Ahead, EventHolds = [.. EventHolds.Values], Hold = Hold, Suspect = Suspect, Counts = Counts,
    };
}
