using System.Collections.Concurrent;
using System.Reflection;
using Npgsql;
using NpgsqlTypes;

namespace Webhooks.Receiver;

/// <summary>The connections of an inbox, and its queries: embedded <c>.sql</c> files with the configured schema put in.</summary>
internal sealed class InboxDatabase : IAsyncDisposable
{
    // Every query of ours goes by an index. A plan that is made while a table is small, and kept, would otherwise read all of it when it is large.
    // A session that hangs in the middle of a store must not keep the other nodes' intake waiting.
    private const string OwnSettings =
        "-c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c idle_in_transaction_session_timeout=3s";

    private readonly ConcurrentDictionary<string, string> _queries = new(StringComparer.Ordinal);
    private readonly NpgsqlDataSource _own;
    private readonly NpgsqlDataSource _handlers;
    private readonly bool _isGiven;
    private readonly string? _newsString;

    /// <param name="options">Says where.</param>
    /// <param name="given">The application's data source, when there is no connection string.</param>
    public InboxDatabase(PostgreSqlInboxOptions options, NpgsqlDataSource? given)
    {
        (Schema, Lease, IdleTimeout, _isGiven) = (options.Schema, options.LeaseDuration, options.IdleTransactionTimeout, given is not null);
        if (given is not null)
        {
            (_own, _handlers) = (given, given);
            return;
        }

        // A handler's queries are the application's, and are planned as it has set.
        _handlers = NpgsqlDataSource.Create(options.ConnectionString!);
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            // Our transactions are ours alone, and leave nothing behind in their session.
            Enlist = false,
            NoResetOnClose = true,
        };
        // What the caller set is kept, and wins.
        if (settings.MaxAutoPrepare == 0) (settings.MaxAutoPrepare, settings.AutoPrepareMinUsages) = (40, 2);
        settings.Options = $"{OwnSettings} {settings.Options}".TrimEnd();
        settings.ApplicationName ??= "webhook-inbox";
        _own = NpgsqlDataSource.Create(settings.ConnectionString);
        // It listens for as long as it is open, so no pool may have it. A peer that vanished is noticed.
        (settings.Pooling, settings.NoResetOnClose) = (false, false);
        if (settings.KeepAlive == 0) settings.KeepAlive = 30;
        _newsString = settings.ConnectionString;
    }

    public string Schema { get; }

    public TimeSpan Lease { get; }

    public TimeSpan IdleTimeout { get; }

    /// <summary>The channel of <c>NOTIFY</c>; one for each schema.</summary>
    public string Channel => Schema + "_news";

    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => await _own.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>A connection for a handler.</summary>
    public async Task<NpgsqlConnection> OpenForHandlerAsync(CancellationToken cancellationToken) =>
        await _handlers.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>A connection to listen on; from the application's data source it is one of the pool, which resets it afterwards.</summary>
    public async Task<NpgsqlConnection> OpenForNewsAsync(CancellationToken cancellationToken)
    {
        if (_newsString is null) return await OpenAsync(cancellationToken).ConfigureAwait(false);
        var connection = new NpgsqlConnection(_newsString);
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What begins a transaction of our own; goes to the server with what follows it.</summary>
    public IEnumerable<NpgsqlBatchCommand> Begin()
    {
        yield return new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL READ COMMITTED");
        if (_isGiven) yield return new NpgsqlBatchCommand("SET LOCAL idle_in_transaction_session_timeout = '3s'");
    }

    public static NpgsqlBatchCommand Commit() => new("COMMIT");

    /// <summary>A step of a batch that goes to the server in one round trip.</summary>
    public NpgsqlBatchCommand Step(string query, params ReadOnlySpan<object?> values)
    {
        var step = new NpgsqlBatchCommand(Query(query));
        foreach (var value in values) step.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value });
        return step;
    }

    /// <summary>A text with its type, for a null says nothing of it, and one statement is prepared once.</summary>
    public static NpgsqlParameter Text(string? value) => new() { NpgsqlDbType = NpgsqlDbType.Text, Value = value ?? (object)DBNull.Value };

    /// <summary>A time with its type.</summary>
    public static NpgsqlParameter Time(DateTimeOffset? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = value?.ToUniversalTime() ?? (object)DBNull.Value };

    /// <summary>The text of a query file, such as <c>Inbox/lock_source</c>.</summary>
    public string Query(string name) => _queries.GetOrAdd(name, static (name, database) => database.WithSchema(Read(name + ".sql")), this);

    public string WithSchema(string sql) => sql.Replace("inbox.", $"\"{Schema}\".", StringComparison.Ordinal);

    public static string Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"There is no embedded query '{name}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Every embedded query but the migrations; a test prepares each.</summary>
    public static IEnumerable<string> QueryNames() =>
        Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal) && !name.Contains("Migrations", StringComparison.Ordinal))
            .Select(name => name[..^4]);

    public async ValueTask DisposeAsync()
    {
        if (_isGiven) return;
        await _own.DisposeAsync().ConfigureAwait(false);
        await _handlers.DisposeAsync().ConfigureAwait(false);
    }
}
