using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>A handler's transaction in the database of the marks.</summary>
/// <param name="connection">Its connection, closed with it.</param>
/// <param name="source">The source.</param>
/// <param name="committed">Told after the commit what has moved.</param>
/// <param name="outrun">Told that the watermark stands elsewhere.</param>
internal sealed class SqliteInboxTransaction(SqliteConnection connection, string source, Action<Moved> committed, Action outrun) : IInboxTransaction
{
    // Immediate: it holds the write lock from the start, so that it cannot fail half-way for having read before somebody else wrote.
    private readonly SqliteTransaction _transaction = connection.BeginTransaction();
    private Moved _moved;

    public DbConnection Connection => connection;

    public DbTransaction Transaction => _transaction;

    public Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken)
    {
        var moved = connection.Run(
            "UPDATE webhook_stream SET epoch = $toEpoch, watermark = $to, processed = processed + $processed, unhandled = unhandled + $unhandled, " +
            "void = void + $void, parked = parked + $parked, lost = lost + $lost WHERE source = $source AND epoch = $fromEpoch AND watermark = $from",
            ("$source", source), ("$fromEpoch", from.Epoch), ("$from", from.Seq), ("$toEpoch", to.Epoch), ("$to", to.Seq),
            ("$processed", One(Settlement.Processed)), ("$unhandled", One(Settlement.Unhandled)), ("$void", One(Settlement.Void)),
            ("$parked", One(Settlement.Parked)), ("$lost", how == Settlement.Lost ? to.Seq - from.Seq : 0)) == 1;
        if (moved) _moved = new Moved(to, how, false);
        else outrun();
        return Task.FromResult(moved);

        int One(Settlement which) => how == which ? 1 : 0;
    }

    public Task<bool> MarkAsync(string eventId, CancellationToken cancellationToken)
    {
        var marked = connection.Run("INSERT INTO webhook_processed (source, event_id) VALUES ($source, $id) ON CONFLICT DO NOTHING",
            ("$source", source), ("$id", eventId)) == 1;
        _moved = _moved with { Marked = marked };
        return Task.FromResult(marked);
    }

    public Task ParkAsync(InboxEvent parked, string reason, DateTimeOffset at, CancellationToken cancellationToken)
    {
        connection.Run("INSERT OR REPLACE INTO webhook_parked (source, epoch, seq, event_id, body, reason, parked_at) VALUES ($source, $epoch, $seq, $id, $body, $reason, $at)",
            ("$source", source), ("$epoch", parked.Epoch), ("$seq", parked.Seq), ("$id", parked.Id), ("$body", parked.Body.ToArray()),
            ("$reason", reason), ("$at", at.ToUnixTimeMilliseconds()));
        _moved = _moved with { How = Settlement.Parked };
        return Task.CompletedTask;
    }

    public Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken)
    {
        connection.Run("INSERT INTO webhook_passed (source, epoch, from_seq, to_seq, reason) VALUES ($source, $epoch, $from, $to, $reason)",
            ("$source", source), ("$epoch", range.Epoch), ("$from", range.From), ("$to", range.To), ("$reason", range.Reason));
        return Task.CompletedTask;
    }

    public Task CommitAsync(CancellationToken cancellationToken)
    {
        _transaction.Commit();
        committed(_moved);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _transaction.Dispose();
        connection.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>What a transaction has moved.</summary>
/// <param name="To">Where the watermark stands now, if it moved.</param>
/// <param name="How">How the event was settled.</param>
/// <param name="Marked">Whether an event without a number was marked.</param>
internal readonly record struct Moved(StreamPosition? To, Settlement How, bool Marked);
