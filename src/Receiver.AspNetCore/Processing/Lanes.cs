namespace Webhooks.Receiver;

/// <summary>An event in its lane. Its body is read when its turn comes, for there may be many that wait.</summary>
/// <param name="Key">What names it.</param>
/// <param name="Hold">What it waits for since its handler failed; null before.</param>
/// <param name="LacksLane">Whether its lane could not be told, so that its turn is for finding that out.</param>
internal sealed record LaneEvent(EventKey Key, StreamHold? Hold = null, bool LacksLane = false)
{
    public int Attempts => Hold?.Attempts ?? 0;
}

/// <summary>
/// Which events may be handled now: the first of each lane, one at a time. Events with the same key share a lane, those without one have each their
/// own. Decides only, and knows no inbox. Not safe for threads.
/// </summary>
internal sealed class Lanes
{
    private readonly Dictionary<string, Lane> _byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<EventKey, Lane> _taken = [];
    private readonly Queue<Lane> _ready = new();
    private readonly List<Lane> _held = [];
    private readonly SortedSet<long> _numbers = [];

    /// <summary>Whether an event's lane is not known: what follows might have to wait for it, and so may not be added.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>The lowest number of an event that is here; null when none is.</summary>
    public long? Lowest => _numbers.Count == 0 ? null : _numbers.Min;

    /// <summary>When the first of those that wait for a time is due; null when none does.</summary>
    public DateTimeOffset? NextDue => _held.Min(lane => lane.DueAt);

    /// <summary>Adds an event behind the others of its key.</summary>
    /// <param name="one">The event.</param>
    /// <param name="key">Its key; null when it waits for no other.</param>
    public void Add(LaneEvent one, string? key)
    {
        if (!_numbers.Add(one.Key.Seq)) return;
        IsStopped |= one.LacksLane;
        if (key is not null && _byKey.TryGetValue(key, out var known))
        {
            known.Rest.Enqueue(one);
            return;
        }

        var lane = new Lane(key) { First = one };
        if (key is not null) _byKey.Add(key, lane);
        Place(lane);
    }

    /// <summary>Takes an event whose turn it is; null when there is none.</summary>
    public LaneEvent? Take(DateTimeOffset now)
    {
        for (var i = _held.Count - 1; i >= 0; i--)
            if (_held[i].DueAt <= now) Release(i);
        if (!_ready.TryDequeue(out var lane)) return null;
        _taken.Add(lane.First.Key, lane);
        return lane.First;
    }

    /// <summary>An event that was taken is settled; the next of its lane has its turn.</summary>
    public void Settled(EventKey key)
    {
        if (_taken.Remove(key, out var lane)) Next(lane);
    }

    /// <summary>An event that was taken waits after its handler's failure, and its lane with it.</summary>
    public void Held(EventKey key, StreamHold hold)
    {
        if (!_taken.Remove(key, out var lane)) return;
        lane.First = lane.First with { Hold = hold };
        _held.Add(lane);
    }

    /// <summary>An event that was taken met trouble that is not its own.</summary>
    public void Postponed(EventKey key, DateTimeOffset until)
    {
        if (!_taken.Remove(key, out var lane)) return;
        lane.NotBefore = until;
        _held.Add(lane);
    }

    /// <summary>Somebody may have settled an event that waits here, or lifted what it waits for.</summary>
    public void Follow(InboxState state)
    {
        if (_held.Count == 0) return;
        var holds = state.EventHolds.ToDictionary(hold => hold.Seq);
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            var lane = _held[i];
            var seq = lane.First.Key.Seq;
            if (seq <= state.Position?.Seq || state.IsSettledAhead(seq))
            {
                _held.RemoveAt(i);
                Next(lane);
            }
            else if (lane.First.Hold is not null)
            {
                lane.First = lane.First with { Hold = holds.GetValueOrDefault(seq) };
                if (lane.First.Hold is null) Release(i);
            }
        }
    }

    /// <summary>Forgets all. Nothing may be taken.</summary>
    public void Clear()
    {
        _byKey.Clear();
        _ready.Clear();
        _held.Clear();
        _numbers.Clear();
        IsStopped = false;
    }

    private void Next(Lane lane)
    {
        _numbers.Remove(lane.First.Key.Seq);
        if (lane.First.LacksLane) IsStopped = false;
        lane.NotBefore = null;
        if (lane.Rest.TryDequeue(out var next))
        {
            lane.First = next;
            Place(lane);
        }
        else if (lane.Key is not null)
        {
            _byKey.Remove(lane.Key);
        }
    }

    private void Place(Lane lane)
    {
        if (lane.First.Hold is null) _ready.Enqueue(lane);
        else _held.Add(lane);
    }

    private void Release(int held)
    {
        var lane = _held[held];
        _held.RemoveAt(held);
        lane.NotBefore = null;
        _ready.Enqueue(lane);
    }

    private sealed class Lane(string? key)
    {
        public string? Key => key;

        public required LaneEvent First { get; set; }

        public Queue<LaneEvent> Rest { get; } = new();

        /// <summary>Not before then, whatever the event itself waits for.</summary>
        public DateTimeOffset? NotBefore { get; set; }

        /// <summary>Null when somebody has to act first.</summary>
        public DateTimeOffset? DueAt => First.Hold is { } hold ? hold.RetryAt is { } at && NotBefore > at ? NotBefore : hold.RetryAt : NotBefore;
    }
}
