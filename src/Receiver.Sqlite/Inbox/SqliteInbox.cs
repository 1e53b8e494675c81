using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>
/// An inbox in two databases: received events in a file that only the intake's writer writes, and the marks where the handlers write.
/// A handler that keeps its transaction open therefore never holds up a delivery.
/// </summary>
internal sealed partial class SqliteInbox : IWebhookInbox, IAsyncDisposable, IDisposable
{
    private readonly ConcurrentDictionary<string, SqliteTally> _tallies = new(StringComparer.Ordinal);

    // What the batch under way has changed. Only the writer's loop touches it.
    private readonly HashSet<SqliteTally> _changed = [];
    private readonly string _inboxConnection;
    private readonly string _writerConnection;
    private readonly SqliteMarks _marks;
    private readonly SqliteWriter _writer;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ILogger<SqliteInbox> _logger;

    public SqliteInbox(SqliteInboxOptions options, ILogger<SqliteInbox> logger)
    {
        _logger = logger;
        var wait = (int)Math.Max(1, options.BusyTimeout.TotalSeconds);
        _inboxConnection = Connection(options.InboxPath, wait);
        // Not pooled: when the file is in trouble, closing has to close it.
        _writerConnection = Connection(options.InboxPath, wait, pooling: false);
        _marks = options.ProcessedConnectionString is { } own
            ? new SqliteMarks(own, isOwn: false)
            : new SqliteMarks(Connection(Path.ChangeExtension(options.InboxPath, ".processed" + Path.GetExtension(options.InboxPath)), 30), isOwn: true);
        _writer = new SqliteWriter(() => OpenInbox(options.InboxPath), Save, Forget);
    }

    public Task<IReadOnlyList<StoreOutcome>> StoreAsync(
        string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken) =>
        WriteAsync(source, (file, tally) => SqliteShelf.Store(file, source, tally, events, rules));

    public async Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken)
    {
        if (_tallies.TryGetValue(source, out var tally))
        {
            lock (tally)
                if (tally.IsPlaced) return tally.Snapshot();
        }

        return await PlaceAsync(source).ConfigureAwait(false);
    }

    public async Task<bool> RefreshAsync(string source, CancellationToken cancellationToken)
    {
        var known = _tallies.GetValueOrDefault(source);
        // What another process has stored is noticed at the beginning of a batch, whatever is in it.
        await WriteAsync(source, (_, _) => true, changes: false).ConfigureAwait(false);
        var isNew = !ReferenceEquals(known, _tallies.GetValueOrDefault(source));
        var (position, ahead) = Marks(() => _marks.Position(source));
        var state = await GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        if (state.Position == position && state.SettledAhead.Count == ahead) return isNew;
        await PlaceAsync(source).ConfigureAwait(false);
        return true;
    }

    public Task<bool> BindAsync(string source, string endpoint, CancellationToken cancellationToken) =>
        WriteAsync(source, (_, tally) => (tally.Endpoint ??= endpoint) == endpoint);

    public Task AddEpochAsync(string source, EpochStart epoch, CancellationToken cancellationToken) => WriteAsync(source, (file, tally) =>
    {
        SqliteShelf.Begin(file, source, tally, epoch);
        SqliteShelf.Place(file, source, tally, tally.Position);
        return true;
    });

    public Task AddLostAsync(string source, SeqRange range, CancellationToken cancellationToken) => WriteAsync(source, (file, tally) =>
    {
        file.Run("INSERT OR REPLACE INTO lost (source, from_seq, to_seq) VALUES ($source, $from, $to)",
            ("$source", source), ("$from", range.From), ("$to", range.To));
        tally.Lost.Add(range);
        SqliteShelf.Place(file, source, tally, tally.Position);
        return true;
    });

    public Task SetHoldAsync(string source, StreamHold? hold, bool clearConflict, CancellationToken cancellationToken) => WriteAsync(source, (file, tally) =>
    {
        tally.SetHold(hold, clearConflict);
        if (hold is null) SqliteShelf.RetryEvents(file, source, tally);
        return true;
    });

    public Task SetEventHoldAsync(string source, EventKey key, StreamHold? hold, CancellationToken cancellationToken) => WriteAsync(source, (file, tally) =>
    {
        if (key.Seq == 0) SqliteShelf.SetUnnumbered(file, source, tally, key.Id, hold);
        else SqliteShelf.SetEventHold(file, source, tally, key, hold);
        return true;
    });

    public Task AcknowledgeAsync(string source, CancellationToken cancellationToken) => WriteAsync(source, (_, tally) => tally.Suspect = false);

    public async Task<bool> StartAsync(string source, StreamPosition position, bool suspect, CancellationToken cancellationToken)
    {
        if (suspect) await WriteAsync(source, (_, tally) => tally.Suspect = true).ConfigureAwait(false);
        var started = Marks(() => _marks.Start(source, position));
        await PlaceAsync(source).ConfigureAwait(false);
        return started;
    }

    public async Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken)
    {
        // The database has one writer. Waiting here costs no thread, and handlers that run at the same time come one after the other.
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return Marks<IInboxTransaction>(() =>
            {
                var connection = _marks.Open();
                try
                {
                    return new SqliteInboxTransaction(
                        connection, source, moved => Committed(source, moved), () => Displace(source), () => _turn.Release());
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            });
        }
        catch
        {
            _turn.Release();
            throw;
        }
    }

    public Task<IReadOnlyList<ParkedEvent>> ReadParkedAsync(
        string source, string? eventId, EventKey after, int limit, CancellationToken cancellationToken) =>
        Task.FromResult(Marks(() => _marks.Parked(source, eventId, after, limit)));

    public Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken) =>
        Task.FromResult(Marks(() => _marks.Passed(source, limit)));

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    private Task<T> WriteAsync<T>(string source, Func<SqliteConnection, SqliteTally, T> work, bool changes = true) => _writer.WriteAsync(file =>
    {
        var tally = Current(file, source);
        lock (tally)
        {
            var result = work(file, tally);
            if (changes) _changed.Add(tally);
            return result;
        }
    });

    /// <summary>What is known of a source; read anew when another process has written to it.</summary>
    private SqliteTally Current(SqliteConnection file, string source)
    {
        if (_tallies.TryGetValue(source, out var known))
        {
            if (known.FileVersion == _writer.FileVersion || known.Revision == SqliteShelf.Revision(file, source))
            {
                known.FileVersion = _writer.FileVersion;
                return known;
            }

            _changed.Remove(known);
        }

        var tally = SqliteShelf.Load(file, source);
        tally.FileVersion = _writer.FileVersion;
        _tallies[source] = tally;
        return tally;
    }

    /// <summary>At the end of a batch: one row for each source that it changed, however many requests it held.</summary>
    private void Save(SqliteConnection file)
    {
        foreach (var tally in _changed)
        {
            lock (tally) SqliteShelf.Save(file, tally);
        }

        _changed.Clear();
    }

    /// <summary>Reads the marks, and finds out what follows the watermark.</summary>
    private async Task<InboxState> PlaceAsync(string source)
    {
        while (true)
        {
            var known = _tallies.GetValueOrDefault(source);
            var commits = known?.Commits ?? 0;
            var (position, ahead, counts) = Marks(() => _marks.Read(source));
            var state = await WriteAsync(source, (file, tally) =>
            {
                // A commit came between the reading of the marks and this. A later epoch is later, whatever its number.
                if (tally.Committed is { } last && (position is not { } read || (read.Epoch, read.Seq).CompareTo((last.Epoch, last.Seq)) < 0))
                {
                    tally.Committed = null;
                    return null;
                }

                tally.Counts = counts with { Received = tally.Counts.Received, Backfilled = tally.Counts.Backfilled, Duplicates = tally.Counts.Duplicates };
                tally.Ahead = ahead;
                SqliteShelf.Place(file, source, tally, position);
                // A mark that was made meanwhile moved nothing: this is good for now, and read anew next time.
                tally.IsPlaced = ReferenceEquals(tally, known) ? tally.Commits == commits : tally.Commits == 0;
                return tally.Snapshot();
            }, changes: false).ConfigureAwait(false);
            if (state is not null) return state;
        }
    }

    /// <summary>Has the watermark of a source read anew.</summary>
    private void Displace(string source)
    {
        if (!_tallies.TryGetValue(source, out var tally)) return;
        lock (tally) tally.IsPlaced = false;
    }

    private void Committed(string source, Moved moved)
    {
        // A tally that was forgotten meanwhile finds it out from the files.
        if (!_tallies.TryGetValue(source, out var tally)) return;
        lock (tally)
        {
            tally.Commits++;
            tally.Committed = moved.To ?? tally.Committed;
            if (moved.IsReadAnew || !tally.IsPlaced) tally.IsPlaced = false;
            else moved.Steps.ForEach(step => step(tally));
        }
    }

    private void Forget()
    {
        _tallies.Clear();
        _changed.Clear();
    }

    private static T Marks<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new InboxUnavailableException($"The marks of what is processed cannot be read or written: {e.Message}", e);
        }
    }

    private SqliteConnection OpenInbox(string path)
    {
        SqliteFile.MakeFolder(path);
        var connection = SqliteFile.Open(_writerConnection, "FULL", "Inbox");
        LogOpened(path);
        return connection;
    }

    private static string Connection(string path, int seconds, bool pooling = true) => new SqliteConnectionStringBuilder
    {
        DataSource = path, DefaultTimeout = seconds, Pooling = pooling,
    }.ToString();

    [LoggerMessage(500, LogLevel.Information, "The inbox file {Path} is open")]
    private partial void LogOpened(string path);
}
