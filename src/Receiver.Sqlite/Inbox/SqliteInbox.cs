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
    private readonly ConcurrentDictionary<string, InboxTally> _tallies = new(StringComparer.Ordinal);

    // Sources whose tally knows the watermark. Apart from the tallies, for intake must go on while the marks cannot be read.
    private readonly ConcurrentDictionary<string, bool> _placed = new(StringComparer.Ordinal);
    private readonly string _inboxConnection;
    private readonly string _writerConnection;
    private readonly SqliteMarks _marks;
    private readonly SqliteWriter _writer;
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
        _writer = new SqliteWriter(() => OpenInbox(options.InboxPath), Forget);
    }

    public Task<IReadOnlyList<StoreOutcome>> StoreAsync(
        string source, IReadOnlyList<InboxEvent> events, StoreRules rules, CancellationToken cancellationToken) =>
        WriteAsync<IReadOnlyList<StoreOutcome>>(source, (file, tally) =>
        {
            var outcomes = new StoreOutcome[events.Count];
            for (var i = 0; i < outcomes.Length; i++) outcomes[i] = SqliteShelf.Store(file, source, tally, events[i], rules);
            return outcomes;
        });

    public async Task<InboxState> GetStateAsync(string source, CancellationToken cancellationToken)
    {
        if (!_placed.ContainsKey(source)) await PlaceAsync(source).ConfigureAwait(false);
        if (_tallies.TryGetValue(source, out var tally)) lock (tally) return tally.Snapshot();
        throw new InboxUnavailableException("The inbox failed while it was being read.");
    }

    public Task<bool> BindAsync(string source, string endpoint, CancellationToken cancellationToken) =>
        WriteAsync(source, (_, tally) => (tally.Endpoint ??= endpoint) == endpoint);

    public Task AddEpochAsync(string source, EpochStart epoch, CancellationToken cancellationToken) => WriteAsync(source, (file, tally) =>
    {
        file.Run("INSERT INTO epoch (source, epoch, seq) VALUES ($source, $epoch, $seq) ON CONFLICT DO NOTHING",
            ("$source", source), ("$epoch", epoch.Epoch), ("$seq", epoch.Seq));
        tally.Epochs = tally.Epochs.With(epoch);
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

    public Task SetHoldAsync(string source, StreamHold? hold, bool clearConflict, CancellationToken cancellationToken) => WriteAsync(source, (_, tally) =>
    {
        tally.SetHold(hold, clearConflict);
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

    public Task<IInboxTransaction> BeginAsync(string source, CancellationToken cancellationToken) => Task.FromResult(Marks<IInboxTransaction>(() =>
    {
        var connection = _marks.Open();
        try
        {
            return new SqliteInboxTransaction(connection, source, moved => Committed(source, moved), () => _placed.TryRemove(source, out _));
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }));

    public Task<IReadOnlyList<PassedRange>> GetPassedAsync(string source, int limit, CancellationToken cancellationToken) =>
        Task.FromResult(Marks(() => _marks.Passed(source, limit)));

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private Task<T> WriteAsync<T>(string source, Func<SqliteConnection, InboxTally, T> work) => _writer.WriteAsync(file =>
    {
        var tally = _tallies.GetOrAdd(source, name => SqliteShelf.Load(file, name));
        lock (tally)
        {
            var result = work(file, tally);
            SqliteShelf.Save(file, source, tally);
            return result;
        }
    });

    /// <summary>Reads the marks, and finds out what follows the watermark.</summary>
    private async Task PlaceAsync(string source)
    {
        var (position, counts) = Marks(() => _marks.Read(source));
        await WriteAsync(source, (file, tally) =>
        {
            tally.Counts = counts with { Received = tally.Counts.Received, Backfilled = tally.Counts.Backfilled, Duplicates = tally.Counts.Duplicates };
            SqliteShelf.Place(file, source, tally, position);
            return true;
        }).ConfigureAwait(false);
        _placed[source] = true;
    }

    private void Committed(string source, Moved moved)
    {
        // Going back, and a tally forgotten meanwhile, are found out anew from the files.
        if (moved.How == Settlement.Rewound || !_tallies.TryGetValue(source, out var tally))
        {
            _placed.TryRemove(source, out _);
            return;
        }

        lock (tally)
        {
            if (moved.To is { } to) tally.Advance(to, moved.How);
            if (moved.Marked) tally.Counts = tally.Counts with { Processed = tally.Counts.Processed + 1 };
        }
    }

    private void Forget()
    {
        _tallies.Clear();
        _placed.Clear();
    }

    private static T Marks<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException e)
        {
            throw new InboxUnavailableException($"The marks of what is processed cannot be read or written: {e.Message}", e);
        }
    }

    private SqliteConnection OpenInbox(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        var connection = SqliteFile.Open(_writerConnection, "FULL", "Inbox/inbox.sql");
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
