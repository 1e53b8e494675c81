using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>The marks "processed", in the database where the handlers write.</summary>
internal sealed class SqliteMarks(string connectionString, bool isOwn)
{
    private readonly Lock _gate = new();
    private bool _prepared;

    /// <summary>
    /// Opens the database. In a file of our own a commit is not flushed: a power cut then takes an effect and its mark back together, and the
    /// inbox, which is flushed, still holds the event. In the application's database its own settings stand.
    /// </summary>
    public SqliteConnection Open()
    {
        lock (_gate)
        {
            var schema = _prepared ? null : "Processing/marks.sql";
            // The marks are looked at before anything is written to the inbox, so either of the two may be the first in its folder.
            if (schema is not null && isOwn) SqliteFile.MakeFolder(new SqliteConnectionStringBuilder(connectionString).DataSource);
            var connection = isOwn && !_prepared ? SqliteFile.Open(connectionString, "NORMAL", schema) : OpenForeign(schema);
            // The mode of the file stays with it; how it is flushed is every connection's own.
            if (isOwn && _prepared) connection.Run("PRAGMA synchronous = NORMAL");
            _prepared = true;
            return connection;
        }
    }

    /// <summary>The watermark and the counts kept beside it.</summary>
    public (StreamPosition? Position, InboxCounts Counts) Read(string source)
    {
        using var connection = Open();
        using var command = connection.Command(
            "SELECT epoch, watermark, processed, unhandled, void, parked, lost FROM webhook_stream WHERE source = $source", ("$source", source));
        using var row = command.ExecuteReader();
        var counts = default(InboxCounts);
        var position = (StreamPosition?)null;
        if (row.Read())
        {
            position = new StreamPosition(row.GetInt32(0), row.GetInt64(1));
            counts = new InboxCounts { Processed = row.GetInt64(2), Unhandled = row.GetInt64(3), Void = row.GetInt64(4), Parked = row.GetInt64(5), Lost = row.GetInt64(6) };
        }

        var marked = SqliteShelf.Number(connection, "SELECT count(*) FROM webhook_processed WHERE source = $source", ("$source", source))
            + SqliteShelf.Number(connection, "SELECT coalesce(max(events), 0) FROM webhook_forgotten WHERE source = $source", ("$source", source));
        var parked = SqliteShelf.Number(connection, "SELECT count(*) FROM webhook_parked WHERE source = $source AND epoch = 0 AND seq = 0", ("$source", source));
        return (position, counts with { Processed = counts.Processed + marked - parked, Parked = counts.Parked + parked });
    }

    /// <summary>The watermark alone.</summary>
    public StreamPosition? Position(string source)
    {
        using var connection = Open();
        using var command = connection.Command("SELECT epoch, watermark FROM webhook_stream WHERE source = $source", ("$source", source));
        using var row = command.ExecuteReader();
        return row.Read() ? new StreamPosition(row.GetInt32(0), row.GetInt64(1)) : null;
    }

    /// <summary>Forgets marks, but not how many there were. In pieces, for handlers wait meanwhile.</summary>
    public int Prune(string source, DateTimeOffset before, int chunk, CancellationToken cancellationToken)
    {
        using var connection = Open();
        (string, object?) of = ("$source", source), time = ("$before", before.ToUnixTimeSeconds());
        var forgotten = 0;
        // Asked first, for that takes no lock.
        while (SqliteShelf.Number(connection, "SELECT EXISTS (SELECT 1 FROM webhook_processed WHERE source = $source AND processed_at < $before)", of, time) == 1
            && !cancellationToken.IsCancellationRequested)
        {
            using var transaction = connection.BeginTransaction();
            var removed = connection.Run(
                "DELETE FROM webhook_processed WHERE source = $source AND event_id IN " +
                "(SELECT event_id FROM webhook_processed WHERE source = $source AND processed_at < $before LIMIT $chunk)", of, time, ("$chunk", chunk));
            connection.Run("INSERT INTO webhook_forgotten (source, events) VALUES ($source, $events) ON CONFLICT DO UPDATE SET events = events + $events", of, ("$events", removed));
            transaction.Commit();
            forgotten += removed;
        }

        return forgotten;
    }

    public bool Start(string source, StreamPosition position)
    {
        using var connection = Open();
        return connection.Run("INSERT INTO webhook_stream (source, epoch, watermark) VALUES ($source, $epoch, $seq) ON CONFLICT DO NOTHING",
            ("$source", source), ("$epoch", position.Epoch), ("$seq", position.Seq)) == 1;
    }

    public IReadOnlyList<PassedRange> Passed(string source, int limit)
    {
        using var connection = Open();
        using var command = connection.Command(
            "SELECT epoch, from_seq, to_seq, reason FROM webhook_passed WHERE source = $source ORDER BY from_seq LIMIT $limit", ("$source", source), ("$limit", limit));
        using var row = command.ExecuteReader();
        var ranges = new List<PassedRange>();
        while (row.Read()) ranges.Add(new PassedRange(row.GetInt32(0), row.GetInt64(1), row.GetInt64(2), row.GetString(3)));
        return ranges;
    }

    /// <summary>Brings the commits of a file of our own to the disk.</summary>
    public bool Flush()
    {
        if (!isOwn) return true;
        using var connection = Open();
        connection.Run("PRAGMA wal_checkpoint(PASSIVE)");
        return true;
    }

    private SqliteConnection OpenForeign(string? schema)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            if (schema is not null) connection.Run(SqliteFile.Resource(schema));
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
