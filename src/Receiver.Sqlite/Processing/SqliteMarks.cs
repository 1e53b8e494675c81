using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>The marks "processed", in the database where the handlers write.</summary>
internal sealed class SqliteMarks(string connectionString, bool isOwn)
{
    private static readonly string CountUnnumbered = SqliteFile.Resource("Processing/count_unnumbered.sql");
    private static readonly string PruneMarks = SqliteFile.Resource("Processing/prune_marks.sql");
    private static readonly string ReadParked = SqliteFile.Resource("Processing/read_parked.sql");

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
            var schema = _prepared ? null : "Processing";
            // The marks are looked at before anything is written to the inbox, so either of the two may be the first in its folder.
            if (schema is not null && isOwn) SqliteFile.MakeFolder(new SqliteConnectionStringBuilder(connectionString).DataSource);
            var connection = isOwn && !_prepared ? SqliteFile.Open(connectionString, "NORMAL", schema) : SqliteFile.Open(connectionString, opened =>
            {
                // The mode of the file stays with it; how it is flushed is every connection's own.
                if (isOwn) opened.Run("PRAGMA synchronous = NORMAL");
                if (schema is not null) SqliteSchema.Bring(opened, schema);
            });
            _prepared = true;
            return connection;
        }
    }

    /// <summary>The watermark, what is settled beyond it, and the counts kept beside it.</summary>
    public MarksRead Read(string source)
    {
        using var connection = Open();
        using var transaction = connection.BeginTransaction(deferred: true);
        var (position, counts) = ReadStream(connection, source);
        var ahead = InboxTally.NoneAhead.ToBuilder();
        using (var command = connection.Command("SELECT seq, epoch, how FROM webhook_ahead WHERE source = $source", ("$source", source)))
        using (var row = command.ExecuteReader())
        {
            while (row.Read())
            {
                ahead.Add(new StreamPosition(row.GetInt32(1), row.GetInt64(0)));
                counts = counts.With(Enum.Parse<Settlement>(row.GetString(2), ignoreCase: true));
            }
        }

        using (var command = connection.Command(CountUnnumbered, ("$source", source)))
        using (var row = command.ExecuteReader())
            while (row.Read()) counts = counts.With(Enum.Parse<Settlement>(row.GetString(0), ignoreCase: true), row.GetInt64(1));
        return new MarksRead(position, ahead.ToImmutable(), counts);
    }

    /// <summary>The watermark, and how much is settled beyond it.</summary>
    public (StreamPosition? Position, long Ahead) Position(string source)
    {
        using var connection = Open();
        var ahead = SqliteShelf.Number(connection, "SELECT count(*) FROM webhook_ahead WHERE source = $source", ("$source", source));
        return (ReadStream(connection, source).Position, ahead);
    }

    /// <summary>Forgets marks, but not how many there were. In pieces, for handlers wait meanwhile.</summary>
    public int Prune(string source, DateTimeOffset before, int chunk, CancellationToken cancellationToken)
    {
        using var connection = Open();
        (string, object?) of = ("$source", source), time = ("$before", before.ToUnixTimeSeconds());
        var forgotten = 0;
        // Asked first, for that takes no lock.
        while (SqliteShelf.Number(
            connection, "SELECT EXISTS (SELECT 1 FROM webhook_processed WHERE source = $source AND processed_at < $before AND how <> 'parked')", of, time) == 1
            && !cancellationToken.IsCancellationRequested)
        {
            using var transaction = connection.BeginTransaction();
            var removed = (int)SqliteShelf.Number(connection, PruneMarks, of, time, ("$chunk", chunk));
            transaction.Commit();
            forgotten += removed;
        }

        return forgotten;
    }

    public IReadOnlyList<ParkedEvent> Parked(string source, string? eventId, EventKey after, int limit)
    {
        using var connection = Open();
        using var command = connection.Command(ReadParked, ("$source", source), ("$seq", after.Seq), ("$epoch", after.Epoch), ("$id", after.Id ?? ""),
            ("$only", eventId), ("$limit", limit));
        using var row = command.ExecuteReader();
        var parked = new List<ParkedEvent>();
        while (row.Read())
        {
            var one = new InboxEvent(row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetInt32(0), row.GetInt64(1),
                row.GetFieldValue<byte[]>(4), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)), Type: row.IsDBNull(9) ? null : row.GetString(9));
            parked.Add(new ParkedEvent(one, row.GetInt32(6), row.GetString(7), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(8))));
        }

        return parked;
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

    private static (StreamPosition? Position, InboxCounts Counts) ReadStream(SqliteConnection connection, string source)
    {
        using var command = connection.Command(
            "SELECT epoch, watermark, processed, unhandled, void, parked, lost, skipped FROM webhook_stream WHERE source = $source", ("$source", source));
        using var row = command.ExecuteReader();
        if (!row.Read()) return default;
        var counts = new InboxCounts
        {
            Processed = row.GetInt64(2), Unhandled = row.GetInt64(3), Void = row.GetInt64(4), Parked = row.GetInt64(5), Lost = row.GetInt64(6), Skipped = row.GetInt64(7),
        };
        return (new StreamPosition(row.GetInt32(0), row.GetInt64(1)), counts);
    }
}

/// <summary>What the marks say of a source.</summary>
/// <param name="Position">The watermark; null before the stream has begun.</param>
/// <param name="Ahead">What was settled by itself beyond it.</param>
/// <param name="Counts">The counts kept beside it.</param>
internal sealed record MarksRead(StreamPosition? Position, ImmutableSortedSet<StreamPosition> Ahead, InboxCounts Counts);
