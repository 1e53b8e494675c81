namespace Webhooks.Testing;

/// <summary>One private PostgreSQL for the whole process, for test projects: a database for each test costs far less than a server.</summary>
public static class SharedPostgres
{
    private static readonly Lazy<Task<PrivatePostgres>> Server = new(() => PrivatePostgres.StartAsync(new PrivatePostgresOptions
    {
        Durable = false,
        MaxConnections = 500,
    }));

    /// <summary>The shared server, started at the first call: not durable, 500 connections. It is stopped when the process ends; never dispose it.</summary>
    /// <param name="ct">Ends the wait, not the start.</param>
    /// <exception cref="PostgresNotFoundException">The server programs are not on this machine.</exception>
    /// <exception cref="PostgresStartException">It did not start; every later call fails alike.</exception>
    public static Task<PrivatePostgres> GetAsync(CancellationToken ct = default) => Server.Value.WaitAsync(ct);

    /// <summary>A connection string to a fresh database on the shared server.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public static async Task<string> CreateDatabaseAsync(CancellationToken ct = default) =>
        await (await GetAsync(ct)).CreateDatabaseAsync(ct: ct);
}
