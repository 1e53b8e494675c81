using Npgsql;

namespace Webhooks.Receiver;

/// <summary>What is read without a lock, and what goes with the retention.</summary>
internal sealed partial class PostgreSqlInbox
{
    private const int PruneChunk = 1000;

    public Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken) => WithConnectionAsync(source, async connection =>
        (await ReadTallyAsync(connection, source, cancellationToken).ConfigureAwait(false)).Snapshot(), cancellationToken);

    public Task<IReadOnlyList<InboxEvent>> ReadAsync(string source, long firstSeq, int limit, CancellationToken cancellationToken) => ReadListAsync(
        source, _database.Step("Inbox/read_received", source, firstSeq, limit), row => new InboxEvent(
            row.GetString(2), Text(row, 3), row.GetInt32(1), row.GetInt64(0), row.GetFieldValue<byte[]>(4), row.GetFieldValue<DateTimeOffset>(5), row.GetBoolean(6)),
        cancellationToken);

    public Task<IReadOnlyList<SeqRange>> FindGapsAsync(string source, int limit, CancellationToken cancellationToken) =>
        WithConnectionAsync<IReadOnlyList<SeqRange>>(source, async connection =>
        {
            var tally = await ReadTallyAsync(connection, source, cancellationToken).ConfigureAwait(false);
            if (tally.Highest <= tally.Contiguous) return [];
            var numbers = await NumbersAsync(connection, source, tally.Contiguous, cancellationToken).ConfigureAwait(false);
            return [.. SeqScan.Gaps(
                tally.Contiguous, numbers.Where(one => tally.Epochs.Counts(one.Epoch, one.Seq)).Select(one => one.Seq), tally.Lost).Take(limit)];
        }, cancellationToken);

    public Task<IReadOnlyList<UnnumberedEvent>> ReadUnnumberedAsync(string source, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        ReadListAsync(source, _database.Step("Inbox/read_unnumbered", source, InboxDatabase.Time(now), limit), Unnumbered, cancellationToken);

    public Task<IReadOnlyList<UnnumberedEvent>> ReadFailedUnnumberedAsync(
        string source, string? eventId, string afterId, int limit, CancellationToken cancellationToken) => ReadListAsync(
        source, _database.Step("Inbox/read_failed_unnumbered", source, afterId, InboxDatabase.Text(eventId), limit), Unnumbered, cancellationToken);

    public Task<IReadOnlyList<ParkedEvent>> ReadParkedAsync(
        string source, string? eventId, EventKey after, int limit, CancellationToken cancellationToken) => ReadListAsync(
        source, _database.Step("Inbox/read_parked", source, after.Seq, after.Epoch, after.Id ?? "", InboxDatabase.Text(eventId), limit), row => new ParkedEvent(
            new InboxEvent(row.GetString(2), Text(row, 3), row.GetInt32(1), row.GetInt64(0), row.GetFieldValue<byte[]>(5), row.GetFieldValue<DateTimeOffset>(6), Type: Text(row, 4)),
            row.GetInt32(7), row.GetString(8), row.GetFieldValue<DateTimeOffset>(9)), cancellationToken);

    public Task SetEventHoldAsync(string source, EventKey key, StreamHold? hold, CancellationToken cancellationToken) => RunAsync(source, cancellationToken, (key.Seq, hold) switch
    {
        (0, null) => _database.Step("Inbox/settle_unnumbered", source, key.Id),
        (0, _) => _database.Step(
            "Inbox/set_unnumbered", source, key.Id, hold.Attempts, InboxDatabase.Time(hold.RetryAt), InboxDatabase.Text(hold.Detail), InboxDatabase.Time(hold.At)),
        (_, null) => _database.Step("Inbox/clear_event_hold", source, key.Seq, key.Epoch),
        _ => _database.Step("Inbox/set_event_hold", source, key.Seq, key.Epoch, StoredHold.Write(hold)),
    });

    public Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken) => ReadListAsync(
        source, _database.Step("Inbox/read_passed", source, limit), row => new PassedRange(row.GetInt32(0), row.GetInt64(1), row.GetInt64(2), row.GetString(3)),
        cancellationToken);

    public async Task<int> PruneAsync(string source, DateTimeOffset receivedBefore, CancellationToken cancellationToken)
    {
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        var settled = state.Position is { } position ? state.Epochs.Base(position) : 0;
        var before = receivedBefore.ToUniversalTime();
        await RunAsync(source, cancellationToken, _database.Step("Inbox/clear_event_holds", source, settled)).ConfigureAwait(false);
        return await RepeatAsync(source, () => _database.Step("Inbox/prune_received", source, settled, before, PruneChunk), cancellationToken).ConfigureAwait(false)
            + await RepeatAsync(source, () => _database.Step("Inbox/prune_bodies", source, before, PruneChunk), cancellationToken).ConfigureAwait(false);
    }

    public Task<int> PruneMarksAsync(string source, DateTimeOffset processedBefore, CancellationToken cancellationToken) =>
        RepeatAsync(source, () => _database.Step("Inbox/prune_marks", source, processedBefore.ToUniversalTime(), PruneChunk), cancellationToken);

    private async Task<(long, int?, long?)> ReadRevisionAsync(NpgsqlConnection connection, string source, CancellationToken cancellationToken) =>
        (await ListAsync(
            connection, _database.Step("Nodes/revision", source),
            row => (row.GetInt64(0), row.IsDBNull(1) ? (int?)null : row.GetInt32(1), row.IsDBNull(2) ? (long?)null : row.GetInt64(2)), cancellationToken).ConfigureAwait(false))
        .FirstOrDefault();

    /// <summary>In pieces, for each keeps its rows, and what it writes, until its commit.</summary>
    private async Task<int> RepeatAsync(string source, Func<NpgsqlBatchCommand> step, CancellationToken cancellationToken)
    {
        var (removed, chunk) = (0, 0);
        do removed += chunk = await RunAsync(source, cancellationToken, step()).ConfigureAwait(false);
        while (chunk > 0 && !cancellationToken.IsCancellationRequested);
        return removed;
    }

    private async Task<PostgreSqlTally> ReadTallyAsync(NpgsqlConnection connection, string source, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                _database.Step("Inbox/read_source", source), _database.Step("Inbox/read_progress", source, long.MaxValue), _database.Step("Inbox/read_given_up", source),
                _database.Step("Inbox/read_ahead", source), _database.Step("Inbox/read_event_holds", source),
            },
        };
        await using var _ = batch.ConfigureAwait(false);
        var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = row.ConfigureAwait(false);
        var tally = await PostgreSqlTally.ReadAsync(source, row, cancellationToken).ConfigureAwait(false);
        tally.UnnumberedFailed = (await NextAsync(row, at => at.GetInt64(0), cancellationToken).ConfigureAwait(false))[0];
        tally.Know(await NextAsync(row, Ahead, cancellationToken).ConfigureAwait(false));
        tally.Know(await NextAsync(row, at => (At(at), StoredHold.Read(at.GetString(2))!), cancellationToken).ConfigureAwait(false));
        return tally;
    }

    private Task<IReadOnlyList<T>> ReadListAsync<T>(string source, NpgsqlBatchCommand step, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        WithConnectionAsync<IReadOnlyList<T>>(
            source, async connection => await ListAsync(connection, step, read, cancellationToken).ConfigureAwait(false), cancellationToken);

    private static async Task<List<T>> ListAsync<T>(
        NpgsqlConnection connection, NpgsqlBatchCommand step, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(connection) { BatchCommands = { step } };
        await using var _ = batch.ConfigureAwait(false);
        var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = row.ConfigureAwait(false);
        return await RowsAsync(row, read, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<List<T>> NextAsync<T>(NpgsqlDataReader row, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
        return await RowsAsync(row, read, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<List<T>> RowsAsync<T>(NpgsqlDataReader row, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) rows.Add(read(row));
        return rows;
    }

    private static StreamPosition At(NpgsqlDataReader row) => new(row.GetInt32(1), row.GetInt64(0));

    private static (StreamPosition, Settlement) Ahead(NpgsqlDataReader row) => (At(row), Enum.Parse<Settlement>(row.GetString(2), ignoreCase: true));

    private static UnnumberedEvent Unnumbered(NpgsqlDataReader row)
    {
        var one = new InboxEvent(row.GetString(0), null, 0, 0, row.GetFieldValue<byte[]>(2), row.GetFieldValue<DateTimeOffset>(3), Type: Text(row, 1));
        return new UnnumberedEvent(one, row.GetInt32(4) is var attempts && attempts == 0
            ? null
            : new StreamHold(HoldReason.HandlerFailed, 0, one.Id, attempts, Text(row, 6) ?? "", Time(row, 5)) { At = Time(row, 7) });
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
