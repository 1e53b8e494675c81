using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>What is read from the inbox file, beside its writer.</summary>
internal sealed partial class SqliteInbox
{
    private const int PruneChunk = 1000;

    private static readonly string ReadReceived = SqliteFile.Resource("Inbox/read_received.sql");
    private static readonly string ReadDue = SqliteFile.Resource("Inbox/read_due_unnumbered.sql");
    private static readonly string ReadFailed = SqliteFile.Resource("Inbox/read_failed_unnumbered.sql");

    public async Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken)
    {
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        return Read<IReadOnlyList<InboxEvent>>(file =>
        {
            using var command = file.Command(ReadReceived, ("$source", source), ("$seq", firstSeq));
            using var row = command.ExecuteReader();
            var read = new List<InboxEvent>(limit);
            while (read.Count < limit && row.Read())
            {
                var (seq, epoch) = (row.GetInt64(0), row.GetInt32(1));
                if ((read.Count > 0 && read[^1].Seq == seq) || !state.Epochs.Counts(epoch, seq)) continue;
                read.Add(new InboxEvent(row.GetString(2), row.GetString(3), epoch, seq, row.GetFieldValue<byte[]>(4),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)), row.GetBoolean(6)));
            }

            return read;
        });
    }

    public async Task<IReadOnlyList<SeqRange>> FindGapsAsync(string source, int limit, CancellationToken cancellationToken)
    {
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        return Read<IReadOnlyList<SeqRange>>(file =>
            [.. SeqScan.Gaps(state.Contiguous, SqliteShelf.NumbersAfter(file, source, state.Epochs, state.Contiguous), state.Lost).Take(limit)]);
    }

    public Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<UnnumberedEvent>>(Read(file => ReadUnnumbered(file, ReadDue, ("$source", source), ("$now", now.ToUnixTimeMilliseconds()), ("$limit", limit))));

    public Task<IReadOnlyList<UnnumberedEvent>> ReadFailedUnnumberedAsync(
        string source, string? eventId, string afterId, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<UnnumberedEvent>>(Read(file => ReadUnnumbered(
            file, ReadFailed, ("$source", source), ("$only", eventId), ("$after", afterId), ("$limit", limit))));

    public async Task<int> PruneAsync(string source, DateTimeOffset receivedBefore, CancellationToken cancellationToken)
    {
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        // The marks have to be on the disk before the events that they stand for go.
        Marks(() => _marks.Flush());
        var settled = state.Position is { } position ? state.Epochs.Base(position) : 0;
        var removed = 0;
        int chunk;
        do
        {
            // In pieces, for intake waits meanwhile.
            chunk = await WriteAsync(source, (file, _) =>
                file.Run("DELETE FROM received WHERE rowid IN (SELECT rowid FROM received WHERE source = $source AND seq <= $seq AND received_at < $before LIMIT $chunk)",
                    ("$source", source), ("$seq", settled), ("$before", receivedBefore.ToUnixTimeMilliseconds()), ("$chunk", PruneChunk))
                + file.Run("DELETE FROM unnumbered WHERE arrival IN (SELECT arrival FROM unnumbered WHERE source = $source AND done = 1 AND received_at < $before LIMIT $chunk)",
                    ("$source", source), ("$before", receivedBefore.ToUnixTimeMilliseconds()), ("$chunk", PruneChunk))).ConfigureAwait(false);
            removed += chunk;
        }
        while (chunk > 0 && !cancellationToken.IsCancellationRequested);
        return removed;
    }

    public Task<int> PruneMarksAsync(string source, DateTimeOffset processedBefore, CancellationToken cancellationToken) =>
        Task.FromResult(Marks(() => _marks.Prune(source, processedBefore, PruneChunk, cancellationToken)));

    private static List<UnnumberedEvent> ReadUnnumbered(
        SqliteConnection file, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = file.Command(sql, parameters);
        using var row = command.ExecuteReader();
        var read = new List<UnnumberedEvent>();
        while (row.Read())
        {
            var one = new InboxEvent(row.GetString(0), null, 0, 0, row.GetFieldValue<byte[]>(1), Time(2)!.Value, Type: row.IsDBNull(7) ? null : row.GetString(7));
            var attempts = row.GetInt32(3);
            var hold = attempts == 0 ? null : new StreamHold(HoldReason.HandlerFailed, 0, one.Id, attempts, row.IsDBNull(5) ? "" : row.GetString(5), Time(4)) { At = Time(6) };
            read.Add(new UnnumberedEvent(one, hold));
        }

        return read;

        DateTimeOffset? Time(int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
    }

    private T Read<T>(Func<SqliteConnection, T> work)
    {
        using var file = new SqliteConnection(_inboxConnection);
        try
        {
            file.Open();
            return work(file);
        }
        catch (SqliteException e)
        {
            SqliteConnection.ClearPool(file);
            throw new InboxUnavailableException($"The inbox file cannot be read: {e.Message}", e);
        }
    }
}
