namespace Webhooks.Testing;

/// <summary>How a backup is brought back.</summary>
public enum RestoreMode
{
    /// <summary>With recovery, as from an archive: the restored server begins a new timeline, by which clients can tell it from the one that was backed up.</summary>
    NewTimeline,

    /// <summary>As a copy of files that is simply started: to its clients it looks like the server that was backed up, after a crash.</summary>
    SameTimeline,
}

/// <summary>The data of a <see cref="PrivatePostgres"/> at one moment, to rehearse what a restore does to those who went on meanwhile. Disposing deletes it.</summary>
public sealed class PostgresBackup : IDisposable
{
    private readonly DataFolder _folder;

    internal PostgresBackup(DataFolder folder) => _folder = folder;

    /// <summary>Starts a server on a copy of this backup; the same backup can be restored again and again.</summary>
    /// <param name="mode">Whether the restored server can be told from the one that was backed up.</param>
    /// <param name="options">How; null for a throw-away server on a free port. With the port of the stopped original its clients' connection strings hold.</param>
    /// <param name="ct">Gives up; what was started is ended.</param>
    /// <exception cref="PostgresStartException">It did not start; the message has the server's log.</exception>
    public async Task<PrivatePostgres> RestoreAsync(RestoreMode mode = RestoreMode.NewTimeline, PrivatePostgresOptions? options = null, CancellationToken ct = default)
    {
        var restored = await PrivatePostgres.StartAsync(
            options,
            async (server, folder) =>
            {
                _folder.CopyTo(folder, ServerAccount.Current);
                if (mode == RestoreMode.NewTimeline) await server.RecoverAtNextStartAsync(ct);
            },
            ct);
        try
        {
            // It takes connections that read before it has recovered.
            await restored.UntilWritableAsync(ct);
            return restored;
        }
        catch
        {
            await restored.DisposeAsync();
            throw;
        }
    }

    /// <summary>Deletes the backup.</summary>
    public void Dispose() => _folder.Release();
}
