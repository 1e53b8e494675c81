using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace Webhooks.Receiver;

/// <summary>
/// A handler's transaction. Until it is committed it holds no lock of the receiver's own, so that a node that hangs in it keeps nobody from taking over;
/// lease epoch, watermark and marks are compared at its end, and what does not hold any more rolls everything back.
/// </summary>
/// <param name="database">Its queries.</param>
/// <param name="connection">Its connection, closed with it.</param>
/// <param name="transaction">What the handler is given.</param>
/// <param name="source">The source.</param>
/// <param name="lead">The lease epoch with which this node leads the source; null when somebody acts who need not lead.</param>
/// <param name="inbox">Finds anew what follows a watermark that went back.</param>
/// <param name="outrun">Told that another node has gone on.</param>
internal sealed class PostgreSqlInboxTransaction(
    InboxDatabase database, NpgsqlConnection connection, NpgsqlTransaction transaction, string source, long? lead, PostgreSqlInbox inbox, Action outrun) : IInboxTransaction
{
    private const string BeforeHandler = "webhook_handler";

    private readonly List<Step> _steps = [];
    private bool _rewinds;
    private bool _locksProgress;
    private bool _isSet;

    public DbConnection Connection => connection;

    public DbTransaction Transaction => transaction;

    public async Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken)
    {
        var one = how is not (Settlement.Lost or Settlement.Marked or Settlement.Rewound);
        var check = database.Step(
            "Processing/check_advance", source, from.Epoch, from.Seq, Number(lead), Number(one ? to.Seq : null), Number(one ? to.Epoch : null));
        if (!await HoldsAsync(check, cancellationToken).ConfigureAwait(false)) return false;
        Must("Processing/advance", from.Epoch, from.Seq, to.Epoch, to.Seq, Word(how));
        if (how == Settlement.Marked) May("Processing/fold_marks", 0L, to.Seq, int.MaxValue);
        _rewinds |= how == Settlement.Rewound;
        return _locksProgress = true;
    }

    public async Task<bool> MarkAsync(EventKey key, Settlement how, CancellationToken cancellationToken)
    {
        if (key.Seq == 0) return await MarkUnnumberedAsync(key.Id, how, cancellationToken).ConfigureAwait(false);
        if (!await HoldsAsync(database.Step("Processing/check_mark", source, key.Seq, key.Epoch, Number(lead)), cancellationToken).ConfigureAwait(false)) return false;
        Must("Processing/mark_ahead", key.Seq, key.Epoch, Word(how));
        return true;
    }

    public Task UnmarkAsync(long after, int belowEpoch, CancellationToken cancellationToken)
    {
        May("Processing/fold_marks", after, long.MaxValue, belowEpoch);
        May("Processing/unpark_range", after, belowEpoch);
        _locksProgress = true;
        return Task.CompletedTask;
    }

    public Task ParkAsync(ParkedEvent parked, CancellationToken cancellationToken)
    {
        var one = parked.Event;
        May("Processing/park", one.Seq, one.Epoch, one.Id, InboxDatabase.Text(one.Endpoint), InboxDatabase.Text(one.Type), one.Body.ToArray(),
            one.ReceivedAt.ToUniversalTime(), parked.Attempts, parked.Reason, parked.At.ToUniversalTime());
        return Task.CompletedTask;
    }

    public async Task<bool> UnparkAsync(EventKey key, Settlement becomes, CancellationToken cancellationToken)
    {
        if (!await HoldsAsync(database.Step("Processing/check_parked", source, key.Seq, key.Epoch, key.Id), cancellationToken).ConfigureAwait(false)) return false;
        Must("Processing/unpark", key.Seq, key.Epoch, key.Id);
        if (key.Seq > 0) May("Processing/recount_ahead", key.Seq, key.Epoch, Word(becomes));
        else
        {
            May("Processing/recount_unnumbered", key.Id, Word(becomes));
            May("Processing/count", Word(becomes), 1, 0);
        }

        return _locksProgress = true;
    }

    public Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken)
    {
        May("Processing/pass", range.Epoch, range.From, range.To, range.Reason);
        return Task.CompletedTask;
    }

    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await WriteAsync(cancellationToken).ConfigureAwait(false))
            {
                await transaction.RollbackAsync(CancellationToken.None).ConfigureAwait(false);
                throw new InboxUnavailableException(
                    $"Somebody else has gone on with webhook source \"{source}\" meanwhile; what was done here is rolled back.");
            }

            if (_rewinds) await ResetAsync(cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsOfTheHandler(e.SqlState))
        {
            throw new HandlerTransactionException(
                e.SqlState == PostgresErrorCodes.InFailedSqlTransaction ? "One of the handler's statements failed, and it went on; its transaction can only be rolled back."
                : e.SqlState is PostgresErrorCodes.NoActiveSqlTransaction or PostgresErrorCodes.InvalidSavepointSpecification ? "The handler ended the transaction it was given; commit and rollback are the receiver's."
                : $"What the handler did cannot be committed: {e.MessageText}", e);
        }
        catch (NpgsqlException e)
        {
            throw new InboxUnavailableException($"The transaction could not be committed: {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<bool> MarkUnnumberedAsync(string id, Settlement how, CancellationToken cancellationToken)
    {
        var (leads, waits) = await AskAsync(
            database.Step("Processing/check_unnumbered", source, id, Number(lead)),
            row => (row.GetBoolean(0), row.IsDBNull(1) ? (bool?)null : row.GetBoolean(1)), cancellationToken).ConfigureAwait(false);
        if (!leads || waits == false) return false;
        Must(waits is null ? "Processing/mark_unknown" : "Processing/mark_unnumbered", id, Word(how));
        May("Processing/count", Word(how), 0, waits is null ? 0 : 1);
        return _locksProgress = true;
    }

    /// <summary>Writes all marks in one round trip; the lease is locked before them. False when something else holds by now.</summary>
    private async Task<bool> WriteAsync(CancellationToken cancellationToken)
    {
        // Without the transaction's object, which knows nothing of a COMMIT that was sent as text: the server knows.
        var batch = new NpgsqlBatch(connection);
        await using var _ = batch.ConfigureAwait(false);
        if (_isSet) batch.BatchCommands.Add(new NpgsqlBatchCommand($"RELEASE SAVEPOINT {BeforeHandler}"));
        if (lead is { } epoch) batch.BatchCommands.Add(database.Step("Processing/hold_lease", source, epoch));
        if (_locksProgress) batch.BatchCommands.Add(database.Step("Processing/lock_progress", source));
        foreach (var step in _steps) batch.BatchCommands.Add(step.Command);
        if (batch.BatchCommands.Count == 0) return true;
        var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        bool leads;
        await using (row.ConfigureAwait(false))
        {
            leads = lead is null || await row.ReadAsync(cancellationToken).ConfigureAwait(false);
            while (await row.NextResultAsync(cancellationToken).ConfigureAwait(false)) { }
        }

        if (!leads) outrun();
        return leads && _steps.TrueForAll(step => !step.MustChange || step.Command.RecordsAffected == 1);
    }

    /// <summary>What follows the new place is found anew. No handler has run in this transaction, so the source's row is locked for a moment only.</summary>
    private async Task ResetAsync(CancellationToken cancellationToken)
    {
        var (tally, _) = await inbox.LockAsync(connection, source, null, cancellationToken, begin: false).ConfigureAwait(false);
        await inbox.ResetAsync(connection, tally, cancellationToken).ConfigureAwait(false);
        var batch = new NpgsqlBatch(connection, transaction);
        await using var __ = batch.ConfigureAwait(false);
        foreach (var step in tally.SaveAll(database)) batch.BatchCommands.Add(step);
        await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private Task<bool> HoldsAsync(NpgsqlBatchCommand check, CancellationToken cancellationToken) =>
        AskAsync(check, row => !row.IsDBNull(0) && row.GetBoolean(0), cancellationToken);

    private async Task<T?> AskAsync<T>(NpgsqlBatchCommand question, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(connection, transaction);
        await using var _ = batch.ConfigureAwait(false);
        // The first statement goes with the beginning of the transaction. A duration cannot be a parameter here.
        var begins = !_isSet;
        if (begins) batch.BatchCommands.Add(new NpgsqlBatchCommand(
            $"SET LOCAL idle_in_transaction_session_timeout = {(long)database.IdleTimeout.TotalMilliseconds}"));
        _isSet = true;
        batch.BatchCommands.Add(question);
        // What the handler is given begins here, and must still be there when it is to be committed.
        if (begins) batch.BatchCommands.Add(new NpgsqlBatchCommand($"SAVEPOINT {BeforeHandler}"));
        try
        {
            var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var __ = row.ConfigureAwait(false);
            return await row.ReadAsync(cancellationToken).ConfigureAwait(false) ? read(row) : default;
        }
        catch (NpgsqlException e)
        {
            throw new InboxUnavailableException($"The inbox's database cannot be read: {e.Message}", e);
        }
    }

    private void Must(string query, params object[] values) => _steps.Add(new Step(true, database.Step(query, [source, .. values])));

    private void May(string query, params object[] values) => _steps.Add(new Step(false, database.Step(query, [source, .. values])));

    private static NpgsqlParameter Number(long? value) => new() { NpgsqlDbType = NpgsqlDbType.Bigint, Value = value ?? (object)DBNull.Value };

    /// <summary>
    /// What a handler's own statements lead to: the transaction is gone (25P01, 3B001) or failed (25P02), or class 22, 23, 40 or P0 (data, constraints, rollback, raised), looked at when
    /// it is committed. Whatever else goes wrong is the database's trouble.
    /// </summary>
    private static bool IsOfTheHandler(string state) =>
        state is PostgresErrorCodes.NoActiveSqlTransaction or PostgresErrorCodes.InFailedSqlTransaction or PostgresErrorCodes.InvalidSavepointSpecification
        || state[..2] is "22" or "23" or "40" or "P0";

    private static string Word(Settlement how) => how.ToString().ToLowerInvariant();

    private sealed record Step(bool MustChange, NpgsqlBatchCommand Command);
}
