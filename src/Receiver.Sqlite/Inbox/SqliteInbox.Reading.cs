using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>What is read from the inbox file, beside its writer.</summary>
internal sealed partial class SqliteInbox
{
    private const int PruneChunk = 1000;

    public async Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken)
    {
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        return Read<IReadOnlyList<InboxEvent>>(file =>
        {
            using var command = file.Command(
                "SELECT seq, epoch, event_id, endpoint, body, received_at, from_feed FROM received WHERE source = $source AND seq >= $seq ORDER BY seq, epoch LIMIT $limit",
                ("$source", source), ("$seq", firstSeq), ("$limit", limit));
            using var row = command.ExecuteReader();
            var run = new List<InboxEvent>(limit);
            while (row.Read())
            {
                var (seq, epoch) = (row.GetInt64(0), row.GetInt32(1));
                if (seq < firstSeq + run.Count || !state.Epochs.Counts(epoch, seq)) continue;
                if (seq != firstSeq + run.Count) break;
                run.Add(new InboxEvent(row.GetString(2), row.GetString(3), epoch, seq, row.GetFieldValue<byte[]>(4),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)), row.GetBoolean(6)));
            }

            return run;
        });
    }

    public async Task<IReadOnlyList<SeqRange>> FindGapsAsync(string source, int limit, CancellationToken cancellationToken)
    {
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        return Read<IReadOnlyList<SeqRange>>(file =>
            [.. SeqScan.Gaps(state.Contiguous, SqliteShelf.NumbersAfter(file, source, state.Epochs, state.Contiguous), state.Lost).Take(limit)]);
    }

    public Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        Task.FromResult(Read<IReadOnlyList<UnnumberedEvent>>(file =>
        {
            using var command = file.Command(
                "SELECT event_id, body, received_at, attempts, type FROM unnumbered WHERE source = $source AND done = 0 " +
                "AND (attempts = 0 OR retry_at <= $now) ORDER BY arrival LIMIT $limit",
                ("$source", source), ("$now", now.ToUnixTimeMilliseconds()), ("$limit", limit));
            using var row = command.ExecuteReader();
            var due = new List<UnnumberedEvent>();
            while (row.Read())
                due.Add(new UnnumberedEvent(
                    new InboxEvent(
                        row.GetString(0), null, 0, 0, row.GetFieldValue<byte[]>(1), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)),
                        Type: row.IsDBNull(4) ? null : row.GetString(4)),
                    row.GetInt32(3)));
            return due;
        }));

    public Task SetUnnumberedAsync(string source, string eventId, StreamHold? hold, CancellationToken cancellationToken) =>
        WriteAsync(source, (file, tally) =>
        {
            var changed = file.Run(
                "UPDATE unnumbered SET done = $done, attempts = $attempts, retry_at = $retry, error = $error WHERE source = $source AND event_id = $id AND done = 0",
                ("$source", source), ("$id", eventId), ("$done", hold is null), ("$attempts", hold?.Attempts ?? 0),
                ("$retry", hold?.RetryAt?.ToUnixTimeMilliseconds()), ("$error", hold?.Detail));
            if (hold is null) tally.UnnumberedWaiting -= changed;
            if (hold is { RetryAt: null }) tally.UnnumberedFailed += changed;
            return true;
        });

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
