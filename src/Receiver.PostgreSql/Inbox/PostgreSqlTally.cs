using Npgsql;

namespace Webhooks.Receiver;

/// <summary>A tally as one transaction sees it: read from the rows at its beginning, written back before its end, and kept no longer.</summary>
internal sealed class PostgreSqlTally(string source) : InboxTally
{
    private long _lostPassed;
    private long _unnumberedSettled;
    private long _arrived;
    private long _waitingThen;

    public string Source => source;

    /// <summary>Reads the source's row, where the reader stands, and the progress's, which is the next result.</summary>
    public static async Task<PostgreSqlTally> ReadAsync(string source, NpgsqlDataReader row, CancellationToken cancellationToken)
    {
        if (!await row.ReadAsync(cancellationToken).ConfigureAwait(false)) throw Missing(source);
        var tally = new PostgreSqlTally(source)
        {
            Endpoint = row.IsDBNull(0) ? null : row.GetString(0),
            Suspect = row.GetBoolean(1),
            Counts = new InboxCounts { Received = row.GetInt64(2), Backfilled = row.GetInt64(3), Duplicates = row.GetInt64(4) },
            Lowest = row.GetInt64(8), Highest = row.GetInt64(9), HighestEpoch = row.GetInt32(10), HighestEpochLowest = row.GetInt64(11),
            Hold = row.IsDBNull(16) ? null : StoredHold.Read(row.GetString(16)),
            _arrived = row.GetInt64(5),
        };
        var (unnumbered, contiguous) = (row.GetInt64(6), row.GetInt64(7));
        foreach (var (epoch, seq) in row.GetFieldValue<int[]>(12).Zip(row.GetFieldValue<long[]>(13)))
            tally.Epochs = tally.Epochs.With(new EpochStart(epoch, seq));
        tally.Lost.AddRange(row.GetFieldValue<long[]>(14).Zip(row.GetFieldValue<long[]>(15), (from, to) => new SeqRange(from, to)));

        await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
        if (!await row.ReadAsync(cancellationToken).ConfigureAwait(false)) throw Missing(source);
        tally.Position = row.IsDBNull(0) ? null : new StreamPosition(row.GetInt32(0), row.GetInt64(1));
        tally.Counts = tally.Counts with
        {
            Processed = row.GetInt64(2), Unhandled = row.GetInt64(3), Void = row.GetInt64(4), Parked = row.GetInt64(5), Lost = row.GetInt64(6),
            Skipped = row.GetInt64(7),
        };
        (tally._lostPassed, tally._unnumberedSettled) = (row.GetInt64(6), row.GetInt64(8));
        tally.UnnumberedWaiting = unnumbered - tally._unnumberedSettled;
        tally.Contiguous = Math.Max(contiguous, tally.Base);
        tally.Wait(row.GetInt64(9));
        // The node that met it may have been outrun since, and the event processed by another.
        if (tally.Hold is { Reason: not HoldReason.StreamConflict, Seq: > 0 } hold && hold.Seq <= tally.Base) tally.Hold = null;
        return tally;
    }

    /// <summary>Takes note of what was settled ahead, all of it.</summary>
    public void Know(IReadOnlyList<(StreamPosition At, Settlement How)> ahead)
    {
        Ahead = NoneAhead.Union(ahead.Select(one => one.At));
        foreach (var (_, how) in ahead) Counts = Counts.With(how);
        Wait(Ahead.Count(one => one.Seq > Base && one.Epoch >= Epochs.At(one.Seq)));
    }

    /// <summary>Takes note of what single events wait for; what is settled waits for nothing.</summary>
    public void Know(IEnumerable<(StreamPosition At, StreamHold Hold)> holds)
    {
        foreach (var (at, hold) in holds) SetEventHold(new EventKey(at.Epoch, at.Seq, ""), hold);
    }

    /// <summary>Takes note of a watermark that stands elsewhere, or of what follows it having changed as a whole.</summary>
    /// <param name="stored">All numbers stored after where the stream stands, in order.</param>
    public void Reset(IReadOnlyList<EpochStart> stored)
    {
        Reset(
            Position, seq => stored.Where(one => one.Seq > seq && Epochs.Counts(one.Epoch, one.Seq)).Select(one => one.Seq),
            seq => stored.Where(one => one.Seq > seq));
        (_arrived, _waitingThen) = (stored.Count(one => one.Seq > Base && one.Epoch >= Epochs.At(one.Seq)) + Base - _lostPassed, Waiting);
    }

    /// <summary>Finds out how much further all is stored.</summary>
    public void Extend(IEnumerable<long> numbers) => Contiguous = SeqScan.Contiguous(Contiguous, numbers, Lost);

    public NpgsqlBatchCommand Save(InboxDatabase database) => database.Step(
        "Inbox/save_source", Source, InboxDatabase.Text(Endpoint), Suspect, Counts.Received, Counts.Backfilled, Counts.Duplicates, _arrived + Waiting - _waitingThen,
        UnnumberedWaiting + _unnumberedSettled, Contiguous, Lowest, Highest, HighestEpoch, HighestEpochLowest, InboxDatabase.Text(StoredHold.Write(Hold)));

    /// <summary>Writes what changes seldom too.</summary>
    public IEnumerable<NpgsqlBatchCommand> SaveAll(InboxDatabase database) =>
    [
        database.Step("Inbox/save_ranges", Source, Epochs.Starts.Select(start => start.Epoch).ToArray(), Epochs.Starts.Select(start => start.Seq).ToArray(),
            Lost.Select(range => range.From).ToArray(), Lost.Select(range => range.To).ToArray()),
        Save(database),
    ];

    private void Wait(long settledAhead) => Waiting = _waitingThen = Math.Max(0, _arrived - Base + _lostPassed - settledAhead);

    private static InboxUnavailableException Missing(string source) => new($"The inbox has no row for source \"{source}\" any more.");
}
