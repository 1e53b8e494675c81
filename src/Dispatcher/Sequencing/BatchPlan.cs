namespace Webhooks.Dispatcher.Sequencing;

/// <summary>The numbers that a stream got: from the first on, one for each position.</summary>
internal sealed record Growth(long First)
{
    public List<long> Positions { get; } = [];

    public long Last => First + Positions.Count - 1;
}

/// <summary>What a batch writes: numbers for the events that streams take, verdicts on the others, changes put in force. Pure.</summary>
/// <param name="period">The period in force.</param>
/// <param name="mark">How far the bucket was sequenced before.</param>
internal sealed class BatchPlan(int period, long mark)
{
    /// <summary>How many numbers are given.</summary>
    public int Numbers { get; private set; }

    public List<long> Unmatched { get; } = [];

    public int Period => period;

    public long Mark => mark;

    /// <summary>How far each stream reaches into the events of earlier periods, and whether one of those was committed late.</summary>
    public Dictionary<(long Endpoint, int EventPeriod), (long LastSeq, bool Late)> Reaches { get; } = [];

    public List<PendingChange> Changes { get; } = [];

    public Dictionary<long, Growth> Grown { get; } = [];

    /// <summary>Whether some endpoint got its history in this batch, which may be of any length.</summary>
    public bool HasHistory => Changes.Exists(change => change.Since is not null);

    /// <summary>Numbers an event in every stream that takes it.</summary>
    public void Take(PendingEvent pending, StreamDirectory directory)
    {
        var streams = pending.Target is { } target ? directory.Only(pending.Application, target) : directory.Match(pending.Application, pending.Type);
        if (streams.Length == 0) Unmatched.Add(pending.Position);
        foreach (var stream in streams) Append(stream, pending.Position, late: true);
    }

    /// <summary>Puts a change in force for what comes behind it.</summary>
    /// <returns>The stream, when it is new and asks for history.</returns>
    public SequencedStream? Take(PendingChange change, StreamDirectory directory)
    {
        Changes.Add(change);
        var stream = directory.Apply(change);
        return change.Since is null ? null : stream;
    }

    /// <param name="stream">The stream.</param>
    /// <param name="position">The event.</param>
    /// <param name="late">Whether an event of an earlier period can only have been committed late; otherwise it is history.</param>
    public void Append(SequencedStream stream, long position, bool late)
    {
        stream.Head++;
        if (!Grown.TryGetValue(stream.Endpoint, out var growth)) Grown.Add(stream.Endpoint, growth = new Growth(stream.Head));
        growth.Positions.Add(position);
        Numbers++;
        var eventPeriod = Retention.Period.Of(position);
        if (eventPeriod < period)
            Reaches[(stream.Endpoint, eventPeriod)] = (stream.Head, late || (Reaches.TryGetValue((stream.Endpoint, eventPeriod), out var before) && before.Late));
    }
}
