using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>
/// An inbox that any number of nodes share. Nothing that another node can change is kept in mind: each transaction of intake locks its source's row, reads
/// what its decisions need, and writes. A handler's transaction locks that row never, so intake does not wait for handlers.
/// </summary>
internal sealed partial class PostgreSqlInbox : IWebhookInbox, IAsyncDisposable, IDisposable
{
    private const int Look = 10_000;

    private readonly ConcurrentDictionary<string, GroupCommit> _commits = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _sources = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (long, int?, long?)> _revisions = new(StringComparer.Ordinal);
    private readonly InboxDatabase _database;
    private readonly Leads _leads;
    private readonly ILogger<PostgreSqlInbox> _logger;
    private readonly SemaphoreSlim _migrating = new(1, 1);
    private volatile bool _isReady;

    public PostgreSqlInbox(InboxDatabase database, TimeProvider time, ILoggerFactory loggers)
    {
        (_database, _logger) = (database, loggers.CreateLogger<PostgreSqlInbox>());
        _leads = new Leads(database, time, loggers.CreateLogger<Leads>());
    }

    public Leads Leads => _leads;

    /// <summary>Brings the schema up to date, once.</summary>
    /// <exception cref="InvalidOperationException">The schema is newer than this program.</exception>
    public async Task ReadyAsync(CancellationToken cancellationToken)
    {
        if (_isReady) return;
        await _migrating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isReady) return;
            foreach (var name in await TryAsync(() => new InboxMigrator(_database).MigrateAsync(cancellationToken)).ConfigureAwait(false))
                LogMigrated(name, _database.Schema);
            _isReady = true;
        }
        finally
        {
            _migrating.Release();
        }
    }

    public async Task<IReadOnlyList<StoreOutcome>> StoreAsync(
        string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken)
    {
        if (events.Count == 0) return [];
        var group = _commits.GetOrAdd(source, static (source, inbox) => new GroupCommit(batch => inbox.CommitAsync(source, batch)), this);
        return await group.StoreAsync(events, rules).ConfigureAwait(false);
    }

    public Task<bool> BindAsync(string source, string endpoint, CancellationToken cancellationToken) =>
        ChangeAsync(source, tally => (tally.Endpoint ??= endpoint) == endpoint, anew: false, cancellationToken);

    public Task AcknowledgeAsync(string source, CancellationToken cancellationToken) => ChangeAsync(source, tally => tally.Suspect = false, anew: false, cancellationToken);

    public Task AddEpochAsync(string source, EpochStart epoch, CancellationToken cancellationToken) =>
        ChangeAsync(source, tally =>
    {
        tally.Begin(epoch);
        return true;
    }, anew: true, cancellationToken);

    public Task AddLostAsync(string source, SeqRange range, CancellationToken cancellationToken) =>
        ChangeAsync(source, tally =>
    {
        tally.Lost.Add(range);
        return true;
    }, anew: true, cancellationToken);

    public async Task SetHoldAsync(string source, StreamHold? hold, bool clearConflict, CancellationToken cancellationToken)
    {
        if (hold is { Reason: not HoldReason.StreamConflict } && !await _leads.StillLeadsAsync(source, cancellationToken).ConfigureAwait(false)) return;
        await ChangeAsync(source, tally =>
        {
            tally.SetHold(hold, clearConflict);
            return true;
        }, anew: false, cancellationToken).ConfigureAwait(false);
        if (hold is not null) return;
        await RunAsync(source, cancellationToken, _database.Step("Inbox/retry_unnumbered", source), _database.Step("Inbox/clear_event_holds", source, long.MaxValue))
            .ConfigureAwait(false);
        _leads.Wake(source);
    }

    public async Task<bool> StartAsync(string source, StreamPosition position, bool suspect, CancellationToken cancellationToken)
    {
        var started = false;
        await WithConnectionAsync(source, async connection =>
        {
            var (tally, changed) = await LockAsync(connection, source, _database.Step("Inbox/start", source, position.Epoch, position.Seq), cancellationToken).ConfigureAwait(false);
            started = changed == 1;
            if (started)
            {
                tally.Suspect = suspect;
                await ResetAsync(connection, tally, cancellationToken).ConfigureAwait(false);
            }

            await EndAsync(connection, tally.SaveAll(_database), cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken).ConfigureAwait(false);
        _leads.Wake(source);
        return started;
    }

    public async Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken)
    {
        // Looked up before the token: a lead that is lost cancels first and is forgotten then, so whoever is not cancelled has what it led with.
        var lead = _leads.EpochOf(source);
        cancellationToken.ThrowIfCancellationRequested();
        await ReadyAsync(source, cancellationToken).ConfigureAwait(false);
        return await TryAsync<IInboxTransaction>(async () =>
        {
            var connection = await _database.OpenForHandlerAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
                return new PostgreSqlInboxTransaction(_database, connection, transaction, source, lead, this, () => _leads.Lose(source, lead));
            }
            catch
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }).ConfigureAwait(false);
    }

    public async Task<bool> RefreshAsync(string source, CancellationToken cancellationToken)
    {
        var now = await WithConnectionAsync(source, connection => ReadRevisionAsync(connection, source, cancellationToken), cancellationToken).ConfigureAwait(false);
        var changed = !_revisions.TryGetValue(source, out var before) || before != now;
        _revisions[source] = now;
        return changed;
    }

    public Task<IInboxLead> LeadAsync(string source, CancellationToken cancellationToken) => _leads.LeadAsync(source, token => ReadyAsync(source, token), cancellationToken);

    public Task WaitForNewsAsync(string source, CancellationToken cancellationToken) => _leads.WaitForNewsAsync(source, cancellationToken);

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        foreach (var commit in _commits.Values) await commit.IdleAsync().ConfigureAwait(false);
        await _leads.DisposeAsync().ConfigureAwait(false);
        await _database.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Stores what concurrent requests ask for with one commit, in two round trips.</summary>
    private async Task CommitAsync(string source, IReadOnlyList<StoreRequest> requests)
    {
        var outcomes = await WithConnectionAsync(source, async connection =>
        {
            var round = await StoreRound.BeginAsync(_database, connection, source, requests, CancellationToken.None).ConfigureAwait(false);
            var decided = requests.Select(round.Decide).ToList();
            var inserts = round.Inserts(_database).ToList();
            if (round.MayGoOn)
            {
                await ExecuteAsync(connection, inserts, CancellationToken.None).ConfigureAwait(false);
                inserts.Clear();
                var numbers = await NumbersAsync(connection, source, round.Tally.Contiguous, CancellationToken.None).ConfigureAwait(false);
                round.Tally.Extend(numbers.Where(one => round.Tally.Epochs.Counts(one.Epoch, one.Seq)).Select(one => one.Seq));
            }

            await EndAsync(connection, [.. inserts, round.Tally.Save(_database)], CancellationToken.None).ConfigureAwait(false);
            return decided;
        }, CancellationToken.None).ConfigureAwait(false);
        for (var i = 0; i < requests.Count; i++) requests[i].Complete(outcomes[i]);
        if (outcomes.Any(each => each.Contains(StoreOutcome.Stored))) _leads.Wake(source);
    }

    [LoggerMessage(701, LogLevel.Information, "Migration {Migration} applied to the webhook inbox in schema {Schema}")]
    private partial void LogMigrated(string migration, string schema);
}
