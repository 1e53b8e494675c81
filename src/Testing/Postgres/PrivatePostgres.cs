using System.Globalization;
using Npgsql;

namespace Webhooks.Testing;

/// <summary>
/// A PostgreSQL server of one's own, started from the programs on this machine: 127.0.0.1 only, a random port and password. On Linux it ends
/// with this process, however that ends; elsewhere a process that is killed leaves its server, and everywhere its folder, to be removed at the next
/// start of any private server. Members may be called from any thread.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private const int PortAttempts = 8;
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(30);

    private readonly PrivatePostgresOptions _options;
    private readonly DataFolder _folder;
    private readonly ServerProcess _server;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private bool _disposed;

    private PrivatePostgres(PrivatePostgresOptions options, DataFolder folder, ServerProcess server)
    {
        (_options, _folder, _server) = (options, folder, server);
        Port = options.Port;
        AppDomain.CurrentDomain.ProcessExit += StopAtProcessExit;
    }

    /// <summary>A connection string to the database <c>postgres</c>, as a superuser. It stays valid over restarts.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>The folder that holds the data, the server's log and its password.</summary>
    public string DataDirectory => _folder.Root;

    /// <summary>The process number of the server (its postmaster), the last one when it is stopped.</summary>
    public int ProcessId => _server.Id;

    /// <summary>Whether the server's process is there.</summary>
    public bool IsRunning => _server.IsRunning;

    /// <summary>The server's version.</summary>
    public Version Version { get; private set; } = new();

    /// <summary>Starts a server and waits until it takes connections, usually within two seconds.</summary>
    /// <param name="options">How; null for a throw-away, durable server.</param>
    /// <param name="ct">Gives up; what was started is ended.</param>
    /// <exception cref="PostgresNotFoundException">The server programs are not on this machine.</exception>
    /// <exception cref="PostgresStartException">It did not start; the message has the server's log.</exception>
    /// <exception cref="InvalidOperationException">The data directory is in use, or holds something else.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static Task<PrivatePostgres> StartAsync(PrivatePostgresOptions? options = null, CancellationToken ct = default) =>
        StartAsync(options, (server, _) => server.InitialiseAsync(ct), ct);

    /// <summary>Copies the data as it is now, while the server runs (<c>pg_basebackup</c>).</summary>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="PostgresStartException">The copy failed; the message says why.</exception>
    public async Task<PostgresBackup> BackUpAsync(CancellationToken ct = default)
    {
        var (binaries, account) = (PostgresBinaries.Find(_options.BinaryDirectory), ServerAccount.Current);
        var folder = DataFolder.Create(kept: null, account);
        try
        {
            await folder.ClaimAsync(ct);
            await new ServerProcess(binaries, account, folder).CopyAsync(Port, await PasswordAsync(ct), asStandby: false, ct);
            return new PostgresBackup(folder);
        }
        catch
        {
            folder.Release();
            throw;
        }
    }

    /// <summary>Starts another server that follows this one by asynchronous streaming replication and can be read. It goes on without this one.</summary>
    /// <param name="options">How; null for a throw-away server on a free port.</param>
    /// <param name="ct">Gives up; what was started is ended.</param>
    /// <inheritdoc cref="StartAsync(PrivatePostgresOptions?, CancellationToken)" path="/exception"/>
    public Task<PrivatePostgres> StartStandbyAsync(PrivatePostgresOptions? options = null, CancellationToken ct = default) =>
        StartAsync(options, async (server, _) => await server.CopyAsync(Port, await PasswordAsync(ct), asStandby: true, ct), ct);

    /// <summary>Makes a standby a primary with a timeline of its own, and waits until it can be written to.</summary>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="PostgresException">The server is no standby (SQLSTATE 55000).</exception>
    public async Task PromoteAsync(CancellationToken ct = default)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ToString());
        await connection.OpenAsync(ct);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT pg_promote(wait => true)";
        await command.ExecuteScalarAsync(ct);
    }

    internal async Task UntilWritableAsync(CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ToString());
        await connection.OpenAsync(ct);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT pg_is_in_recovery()";
        while ((bool)(await command.ExecuteScalarAsync(ct))!) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
    }

    /// <param name="options">How.</param>
    /// <param name="fill">Puts the data into a folder that has none.</param>
    /// <param name="ct">Gives up.</param>
    internal static async Task<PrivatePostgres> StartAsync(PrivatePostgresOptions? options, Func<ServerProcess, DataFolder, Task> fill, CancellationToken ct)
    {
        options ??= new PrivatePostgresOptions();
        options.Validate();
        var binaries = PostgresBinaries.Find(options.BinaryDirectory);
        await DataFolder.RemoveLeftoversAsync(ct);
        var account = ServerAccount.Current;
        var folder = DataFolder.Create(options.DataDirectory, account);
        await folder.ClaimAsync(ct);
        var postgres = new PrivatePostgres(options, folder, new ServerProcess(binaries, account, folder));
        try
        {
            if (!folder.IsInitialised) await fill(postgres._server, folder);
            await postgres.StartAgainAsync(ct);
            return postgres;
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes an empty database.</summary>
    /// <param name="name">Its name; null for a random one.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>A connection string to it.</returns>
    /// <exception cref="PostgresException">The server refused, for example because the name is taken (SQLSTATE 42P04).</exception>
    public async Task<string> CreateDatabaseAsync(string? name = null, CancellationToken ct = default)
    {
        name ??= "db_" + Guid.NewGuid().ToString("N");
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ToString());
        await connection.OpenAsync(ct);
        await using var command = connection.CreateCommand();
        // A database's name cannot be a parameter; it is quoted.
        command.CommandText = $"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        await command.ExecuteNonQueryAsync(ct);
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ToString();
    }

    /// <summary>Stops the server and starts it again on the same port. Pooled connections of before are broken, as in real life.</summary>
    /// <inheritdoc cref="StopAsync"/>
    public async Task RestartAsync(ShutdownMode mode = ShutdownMode.Fast, CancellationToken ct = default)
    {
        await StopAsync(mode, ct);
        await StartAgainAsync(ct);
    }

    /// <summary>Stops the server and waits until its process is gone. Nothing happens when it is stopped already.</summary>
    /// <param name="mode">How. <see cref="ShutdownMode.Smart"/> waits for clients for as long as they stay.</param>
    /// <param name="ct">Ends the wait, not the stop.</param>
    public Task StopAsync(ShutdownMode mode = ShutdownMode.Fast, CancellationToken ct = default) => ExclusivelyAsync(async () =>
    {
        if (!_server.IsRunning) return;
        _server.Ask(mode);
        await _server.WaitUntilGoneAsync([_server.Id], ct);
    }, ct);

    /// <summary>Starts a stopped or killed server again: same data, same port. Nothing happens when it is running.</summary>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="PostgresStartException">It did not start; the message has the server's log.</exception>
    public Task StartAgainAsync(CancellationToken ct = default) => ExclusivelyAsync(async () =>
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_server.IsRunning) return;
        var isPortKnown = Port != 0;
        for (var attempt = 1; ; attempt++)
        {
            if (!isPortKnown) Port = FreePort.Next();
            if (await _server.TryStartAsync(Settings(), _options.StartTimeout, ct)) break;
            if (attempt == PortAttempts || isPortKnown)
                throw new PostgresStartException($"Port {Port} on 127.0.0.1 is taken. The server's log:\n{_folder.LogExcerpt()}");
        }

        await DescribeAsync(ct);
    }, ct);

    /// <summary>Kills the server and its children outright (SIGKILL) and waits until they are gone, as when a machine loses power.</summary>
    /// <param name="ct">Ends the wait.</param>
    public Task KillAsync(CancellationToken ct = default) =>
        ExclusivelyAsync(() => _server.WaitUntilGoneAsync(_server.Kill(), ct), ct);

    /// <summary>Stops the server; deletes a throw-away one's data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        using var grace = new CancellationTokenSource(StopGrace, TimeProvider.System);
        try
        {
            await StopAsync(_folder.IsKept ? ShutdownMode.Fast : ShutdownMode.Immediate, grace.Token);
        }
        catch (OperationCanceledException)
        {
            // Below it is ended the hard way.
        }

        await ExclusivelyAsync(() =>
        {
            _disposed = true;
            return _server.WaitUntilGoneAsync(_server.Kill(), CancellationToken.None);
        }, CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit -= StopAtProcessExit;
        _folder.Release();
    }

    private async Task ExclusivelyAsync(Func<Task> action, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            await action();
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task DescribeAsync(CancellationToken ct)
    {
        var password = await PasswordAsync(ct);
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1", Port = Port, Database = "postgres", Username = "postgres", Password = password,
            SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable, IncludeErrorDetail = true,
        }.ToString();
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ToString());
        await connection.OpenAsync(ct);
        Version = connection.PostgreSqlVersion;
    }

    private async Task<string> PasswordAsync(CancellationToken ct) => (await File.ReadAllTextAsync(_folder.PasswordFile, ct)).Trim();

    private Dictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["listen_addresses"] = "127.0.0.1",
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            // A socket's path has a limit of 107 bytes, which temp folders exceed on some systems; loopback is enough.
            ["unix_socket_directories"] = "",
            ["max_connections"] = _options.MaxConnections.ToString(CultureInfo.InvariantCulture),
        };
        if (!_options.Durable) settings["fsync"] = settings["synchronous_commit"] = settings["full_page_writes"] = "off";
        foreach (var (name, value) in _options.Settings) settings[name] = value;
        return settings;
    }

    private void StopAtProcessExit(object? sender, EventArgs e)
    {
        _server.Ask(_folder.IsKept ? ShutdownMode.Fast : ShutdownMode.Immediate);
        // The gate is not taken: whoever holds it does not run any more.
        _server.WaitUntilGoneAsync([_server.Id], CancellationToken.None).Wait(TimeSpan.FromSeconds(10));
        _folder.Release();
    }
}
