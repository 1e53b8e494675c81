using Npgsql;

namespace Webhooks.Receiver;

/// <summary>How the rows of a source are locked, changed and saved.</summary>
internal sealed partial class PostgreSqlInbox
{
    /// <summary>Finds out anew what follows the watermark: reads all that waits, so only where that has changed as a whole.</summary>
    public async Task ResetAsync(NpgsqlConnection connection, PostgreSqlTally tally, CancellationToken cancellationToken)
    {
        var from = tally.Position is { } known ? tally.Epochs.Base(known) : 0;
        var stored = await NumbersAsync(connection, tally.Source, from, cancellationToken).ConfigureAwait(false);
        tally.Know(await ListAsync(connection, _database.Step("Inbox/read_ahead", tally.Source), Ahead, cancellationToken).ConfigureAwait(false));
        tally.Reset(stored);
    }

    /// <summary>Locks the source's row in a transaction of our own, or in the one that is open.</summary>
    /// <returns>The tally, and how many rows the statement before has changed.</returns>
    public async Task<(PostgreSqlTally Tally, int Changed)> LockAsync(
        NpgsqlConnection connection, string source, NpgsqlBatchCommand? before, CancellationToken cancellationToken, bool begin = true)
    {
        var batch = new NpgsqlBatch(connection);
        await using var _ = batch.ConfigureAwait(false);
        if (begin)
            foreach (var step in _database.Begin()) batch.BatchCommands.Add(step);
        if (before is not null) batch.BatchCommands.Add(before);
        batch.BatchCommands.Add(_database.Step("Inbox/lock_source", source));
        batch.BatchCommands.Add(_database.Step("Inbox/read_progress", source, long.MaxValue));
        var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = row.ConfigureAwait(false);
        var tally = await PostgreSqlTally.ReadAsync(source, row, cancellationToken).ConfigureAwait(false);
        return (tally, before?.RecordsAffected ?? 0);
    }

    /// <summary>Changes what intake decides by, and tells the node that leads.</summary>
    /// <param name="source">The source.</param>
    /// <param name="change">Changes the tally.</param>
    /// <param name="anew">Whether what follows the watermark is to be found anew.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private Task<T> ChangeAsync<T>(string source, Func<PostgreSqlTally, T> change, bool anew, CancellationToken cancellationToken) =>
        WithConnectionAsync(source, async connection =>
        {
            var (tally, _) = await LockAsync(connection, source, null, cancellationToken).ConfigureAwait(false);
            var result = change(tally);
            if (anew && tally.Position is not null) await ResetAsync(connection, tally, cancellationToken).ConfigureAwait(false);
            await EndAsync(connection, anew ? tally.SaveAll(_database) : [tally.Save(_database)], cancellationToken).ConfigureAwait(false);
            return result;
        }, cancellationToken, woken: true);

    /// <summary>All numbers stored after one, in order.</summary>
    private async Task<List<EpochStart>> NumbersAsync(NpgsqlConnection connection, string source, long after, CancellationToken cancellationToken)
    {
        var numbers = new List<EpochStart>();
        var last = new EpochStart(int.MaxValue, after);
        int found;
        do
        {
            found = 0;
            var batch = new NpgsqlBatch(connection) { BatchCommands = { _database.Step("Inbox/find_numbers", source, last.Seq, last.Epoch, Look) } };
            await using var _ = batch.ConfigureAwait(false);
            var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var __ = row.ConfigureAwait(false);
            while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                numbers.Add(last = new EpochStart(row.GetInt32(1), row.GetInt64(0)));
                found++;
            }
        }
        while (found == Look);
        return numbers;
    }

    private static Task<int> EndAsync(NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> steps, CancellationToken cancellationToken) =>
        ExecuteAsync(connection, [.. steps, InboxDatabase.Commit()], cancellationToken);

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> steps, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(connection);
        await using var _ = batch.ConfigureAwait(false);
        foreach (var step in steps) batch.BatchCommands.Add(step);
        return batch.BatchCommands.Count == 0 ? 0 : await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Runs steps in a transaction of their own.</summary>
    private Task<int> RunAsync(string source, CancellationToken cancellationToken, params NpgsqlBatchCommand[] steps) =>
        WithConnectionAsync(source, connection => ExecuteAsync(connection, steps, cancellationToken), cancellationToken);

    private async Task<T> WithConnectionAsync<T>(string source, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken, bool woken = false)
    {
        await ReadyAsync(source, cancellationToken).ConfigureAwait(false);
        var result = await TryAsync(async () =>
        {
            var connection = await _database.OpenAsync(cancellationToken).ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);
            return await work(connection).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (woken) _leads.Wake(source);
        return result;
    }

    /// <summary>Has the schema up to date and the source's rows there.</summary>
    private async Task ReadyAsync(string source, CancellationToken cancellationToken)
    {
        await ReadyAsync(cancellationToken).ConfigureAwait(false);
        if (_sources.ContainsKey(source)) return;
        await TryAsync(async () =>
        {
            var connection = await _database.OpenAsync(cancellationToken).ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);
            return await ExecuteAsync(connection, [_database.Step("Database/add_source", source)], cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
        _sources.TryAdd(source, true);
    }

    private static async Task<T> TryAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            throw new InboxUnavailableException($"The inbox's database cannot be read or written: {e.Message}", e);
        }
    }
}
