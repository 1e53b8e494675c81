using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Webhooks.Dispatcher.Database;

/// <summary>The dispatcher's own connections, and its queries: embedded <c>.sql</c> files with the configured schema put in.</summary>
internal sealed class WebhookDatabase : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    // Every query here goes by an index, and none profits from another plan. A plan that is made while a table is young or small, and kept,
    // would otherwise read all of it when it is large.
    private const string IndexesOnly = "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    // For whoever asks for something while holding a connection: of those that all wait for another one of the same pool, none would get it.
    private const int ConnectionsBeside = 2;

    private readonly NpgsqlDataSource _dataSource;
    private readonly NpgsqlDataSource _beside;
    private readonly ConcurrentDictionary<string, string> _queries = new();

    public WebhookDatabase(IOptions<WebhookDispatcherOptions> options)
    {
        var builder = new NpgsqlConnectionStringBuilder(options.Value.ConnectionString)
        {
            // The same two dozen statements run for ever; planning them each time costs more than running them.
            MaxAutoPrepare = 60,
            AutoPrepareMinUsages = 2,
            // Our transactions are ours alone: an ambient one of the caller must not swallow them.
            Enlist = false,
            // Nothing we do outlives its transaction, and an open one is rolled back all the same; the reset would be five statements a use.
            NoResetOnClose = true,
            // Batches of events go in and out; at 8 KiB a system call they are mostly system calls.
            ReadBufferSize = BufferBytes,
            WriteBufferSize = BufferBytes,
        };
        // Compiling takes longer than any of our statements, and so does planning: the server would plan anew whatever takes an array, whose length it
        // then knows, though the plan is by the same index every time. What the caller set is kept, and wins.
        // And the transactions of a process that was suspended or cut off in the middle of one must not hold their locks for hours.
        builder.Options = $"-c jit=off -c plan_cache_mode=force_generic_plan -c idle_in_transaction_session_timeout=15s {IndexesOnly} {builder.Options}".TrimEnd();
        builder.ApplicationName ??= "webhooks-dispatcher";
        // Of several hosts the one that can be written to.
        var several = builder.Host?.Contains(',', StringComparison.Ordinal) == true;
        if (several) builder.TargetSessionAttributes ??= "primary";
        var session = builder.TargetSessionAttributes;
        Schema = options.Value.Schema;
        ConnectionString = builder.ConnectionString;
        _dataSource = Build(builder, several);
        (builder.MinPoolSize, builder.MaxPoolSize) = (0, ConnectionsBeside);
        if (several) builder.TargetSessionAttributes = session;
        _beside = Build(builder, several);
    }

    public string Schema { get; }

    public string ConnectionString { get; }

    /// <summary>Runs on each connection that was newly made to the server, before it is used.</summary>
    public Func<NpgsqlConnection, Task>? Opened { get; set; }

    /// <summary>The channel of <c>NOTIFY</c>; one for each schema.</summary>
    public string Channel => Schema + "_wake";

    /// <summary>For the few callers that the platform asks synchronously.</summary>
    public NpgsqlConnection Open() => _dataSource.OpenConnection();

    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancel) => _dataSource.OpenConnectionAsync(cancel);

    /// <summary>Does something in a transaction of its own, and what is to follow the commit.</summary>
    public async Task<T> CommitAsync<T>(Func<NpgsqlConnection, Task<Uncommitted<T>>> act, CancellationToken cancel)
    {
        Uncommitted<T> done;
        await using (var connection = await OpenAsync(cancel))
        await using (var transaction = await connection.BeginTransactionAsync(cancel))
        {
            done = await act(connection);
            await transaction.CommitAsync(cancel);
        }

        await done.AfterCommit();
        return done.Result;
    }

    /// <summary>A command that opens and closes a connection by itself.</summary>
    public NpgsqlCommand Command(string query, params ReadOnlySpan<object?> values)
    {
        var command = _dataSource.CreateCommand(Query(query));
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>
    /// A command that commits by itself, beside a transaction that its caller may have open. Its connection is of a small pool of its own, whose users wait for nobody
    /// while they hold one.
    /// </summary>
    public NpgsqlCommand CommandBeside(string query, params ReadOnlySpan<object?> values)
    {
        var command = _beside.CreateCommand(Query(query));
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>A command on a connection that is open.</summary>
    public NpgsqlCommand Command(NpgsqlConnection connection, string query, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(Query(query), connection);
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>A step of a batch that goes to the server in one round trip.</summary>
    public NpgsqlBatchCommand Step(string query, params ReadOnlySpan<object?> values)
    {
        var step = new NpgsqlBatchCommand(Query(query));
        Add(step.Parameters, values);
        return step;
    }

    /// <summary>Begins a transaction whose every statement sees what is committed by then, whatever isolation the database has as its default.</summary>
    public static NpgsqlBatchCommand Begin => Literal("BEGIN ISOLATION LEVEL READ COMMITTED");

    public static NpgsqlBatchCommand Literal(string sql) => new(sql);

    /// <summary>The text of a query file, such as <c>Sequencing/read_batch</c>.</summary>
    public string Query(string name) => _queries.GetOrAdd(name, static (name, database) => database.WithSchema(Read(name + ".sql")), this);

    public string WithSchema(string sql) => sql.Replace("webhooks.", $"\"{Schema}\".", StringComparison.Ordinal);

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
        await _dataSource.DisposeAsync();
        await _beside.DisposeAsync();
    }

    private NpgsqlDataSource Build(NpgsqlConnectionStringBuilder settings, bool several)
    {
        // A data source refuses in its connection string which of the hosts is meant, and takes it as a choice of its own.
        var session = several ? Enum.Parse<TargetSessionAttributes>(settings.TargetSessionAttributes!.Replace("-", "", StringComparison.Ordinal), ignoreCase: true) : default;
        if (several) settings.TargetSessionAttributes = null;
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            connection => (Opened?.Invoke(connection) ?? Task.CompletedTask).GetAwaiter().GetResult(), connection => Opened?.Invoke(connection) ?? Task.CompletedTask);
        return several ? builder.BuildMultiHost().WithTargetSession(session) : builder.Build();
    }

    private static void Add(NpgsqlParameterCollection parameters, ReadOnlySpan<object?> values)
    {
        foreach (var value in values)
            parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value });
    }
}
