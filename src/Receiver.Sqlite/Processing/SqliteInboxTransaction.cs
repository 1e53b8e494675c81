using System.Data.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Webhooks.Receiver;

/// <summary>A handler's transaction in the database of the marks.</summary>
/// <param name="connection">Its connection, closed with it.</param>
/// <param name="source">The source.</param>
/// <param name="committed">Told after the commit what has changed.</param>
/// <param name="outrun">Told that what is in mind of the marks is old.</param>
/// <param name="ended">Told when it is over, however it ended.</param>
internal sealed class SqliteInboxTransaction(SqliteConnection connection, string source, Action<Moved> committed, Action outrun, Action ended)
    : IInboxTransaction
{
    private static readonly string Advance = SqliteFile.Resource("Processing/advance.sql");
    private static readonly string MarkAhead = SqliteFile.Resource("Processing/mark_ahead.sql");
    private static readonly string MarkUnnumbered = SqliteFile.Resource("Processing/mark_unnumbered.sql");
    private static readonly string FoldMarks = SqliteFile.Resource("Processing/fold_marks.sql");
    private static readonly string UnparkRange = SqliteFile.Resource("Processing/unpark_range.sql");
    private static readonly string Park = SqliteFile.Resource("Processing/park.sql");
    private static readonly string Unpark = SqliteFile.Resource("Processing/unpark.sql");
    private static readonly string RecountUnparked = SqliteFile.Resource("Processing/recount_unparked.sql");
    private static readonly string RecountUnnumbered = SqliteFile.Resource("Processing/recount_unnumbered.sql");

    // Immediate: it holds the write lock from the start, so that it cannot fail half-way for having read before somebody else wrote.
    private readonly SqliteTransaction _transaction = connection.BeginTransaction();
    private readonly Moved _moved = new();
    private bool _isEnded;

    public DbConnection Connection => connection;

    public DbTransaction Transaction => _transaction;

    public Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken)
    {
        var moved = connection.Run(Advance, Source, ("$fromEpoch", from.Epoch), ("$from", from.Seq), ("$toEpoch", to.Epoch), ("$to", to.Seq), How(how)) == 1;
        if (moved && how == Settlement.Marked) connection.Run(FoldMarks, Source, ("$after", 0), ("$upTo", to.Seq), ("$below", int.MaxValue));
        if (moved) _moved.To = to;
        return Task.FromResult(Changed(moved, how == Settlement.Rewound ? null : tally => tally.Advance(to, how)));
    }

    public Task<bool> MarkAsync(EventKey key, Settlement how, CancellationToken cancellationToken)
    {
        var marked = key.Seq == 0
            ? connection.Run(MarkUnnumbered, Source, ("$id", key.Id), How(how)) == 1
            : connection.Run(MarkAhead, Source, ("$seq", key.Seq), ("$epoch", key.Epoch), How(how)) == 1;
        return Task.FromResult(Changed(marked, tally => tally.Marked(key, how)));
    }

    public Task UnmarkAsync(long after, int belowEpoch, CancellationToken cancellationToken)
    {
        (string, object?) higher = ("$after", after), lower = ("$below", belowEpoch);
        connection.Run(FoldMarks, Source, higher, ("$upTo", long.MaxValue), lower);
        connection.Run(UnparkRange, Source, higher, lower);
        Changed(true, null);
        return Task.CompletedTask;
    }

    public Task ParkAsync(ParkedEvent parked, CancellationToken cancellationToken)
    {
        var one = parked.Event;
        connection.Run(Park, Source, ("$epoch", one.Epoch), ("$seq", one.Seq), ("$id", one.Id), ("$endpoint", one.Endpoint), ("$type", one.Type), ("$body", one.Body.ToArray()),
            ("$received", one.ReceivedAt.ToUnixTimeMilliseconds()), ("$attempts", parked.Attempts), ("$reason", parked.Reason),
            ("$at", parked.At.ToUnixTimeMilliseconds()));
        return Task.CompletedTask;
    }

    public Task<bool> UnparkAsync(EventKey key, Settlement becomes, CancellationToken cancellationToken)
    {
        (string, object?) seq = ("$seq", key.Seq), epoch = ("$epoch", key.Epoch), id = ("$id", key.Id);
        if (connection.Run(Unpark, Source, epoch, seq, id) == 0) return Task.FromResult(Changed(false, null));
        if (key.Seq == 0) connection.Run(RecountUnnumbered, Source, id, How(becomes));
        else connection.Run(RecountUnparked, Source, seq, epoch, How(becomes));
        return Task.FromResult(Changed(true, tally => tally.Counts = tally.Counts.With(Settlement.Parked, -1).With(becomes)));
    }

    public Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken)
    {
        connection.Run("INSERT INTO webhook_passed (source, epoch, from_seq, to_seq, reason) VALUES ($source, $epoch, $from, $to, $reason)",
            Source, ("$epoch", range.Epoch), ("$from", range.From), ("$to", range.To), ("$reason", range.Reason));
        return Task.CompletedTask;
    }

    public Task CommitAsync(CancellationToken cancellationToken)
    {
        if (IsEnded)
        {
            outrun();
            throw new HandlerTransactionException("The handler ended the transaction it was given, or went on after SQLite had rolled it back; commit and rollback are the receiver's.");
        }

        try
        {
            _transaction.Commit();
        }
        catch (SqliteException e) when (e.SqliteErrorCode == raw.SQLITE_CONSTRAINT)
        {
            throw new HandlerTransactionException($"What the handler did cannot be committed: {e.Message}", e);
        }

        committed(_moved);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        if (_isEnded) return ValueTask.CompletedTask;
        _isEnded = true;
        try
        {
            // A handler may have ended it in SQL, of which its object knows nothing: it is given another one to roll back, or it would throw.
            if (_transaction.Connection is not null && IsEnded) raw.sqlite3_exec(connection.Handle, "BEGIN");
            _transaction.Dispose();
            // Of a ROLLBACK it does know, and leaves the other one alone. The connection goes back to its pool, and must have none.
            if (!IsEnded) raw.sqlite3_exec(connection.Handle, "ROLLBACK");
            connection.Dispose();
        }
        finally
        {
            ended();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Whether SQLite has no transaction any more, whoever ended it.</summary>
    private bool IsEnded => raw.sqlite3_get_autocommit(connection.Handle) != 0;

    private (string, object?) Source => ("$source", source);

    private static (string, object?) How(Settlement how) => ("$how", how.ToString().ToLowerInvariant());

    /// <summary>Takes note of a change, or that there is none because what is in mind is old.</summary>
    /// <param name="changed">Whether there is one.</param>
    /// <param name="step">How it is to be seen in what is in mind; null when that has to be read anew.</param>
    private bool Changed(bool changed, Action<InboxTally>? step)
    {
        if (!changed) outrun();
        else if (step is null) _moved.IsReadAnew = true;
        else _moved.Steps.Add(step);
        return changed;
    }
}

/// <summary>What a transaction has changed.</summary>
internal sealed class Moved
{
    /// <summary>Where the watermark stands now, if it moved.</summary>
    public StreamPosition? To { get; set; }

    /// <summary>Whether it cannot be told in steps.</summary>
    public bool IsReadAnew { get; set; }

    public List<Action<InboxTally>> Steps { get; } = [];
}
