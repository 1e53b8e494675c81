using System.Diagnostics;
using System.Security.Cryptography;

namespace Webhooks.Testing;

/// <summary>Initialises, starts and ends the server processes of one data folder.</summary>
internal sealed class ServerProcess(PostgresBinaries binaries, ServerAccount? account, DataFolder folder)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private Process? _launched;

    /// <summary>The postmaster's process number; 0 before the first start.</summary>
    public int Id { get; private set; }

    public bool IsRunning => Id != 0 && ProcessTable.IsServerOf(Id, folder.Data);

    public async Task InitialiseAsync(CancellationToken ct)
    {
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var passwordFile = Path.Combine(folder.Root, "initial");
        await WritePrivateAsync(passwordFile, password, ct);
        string[] command =
        [
            binaries.Path("initdb"), "-D", folder.Data, "-U", "postgres", "--pwfile", passwordFile,
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ];
        if (!OperatingSystem.IsWindows()) command = ["/usr/bin/env", .. ServerAccount.Wrap(account, command, tied: true)];
        var log = Path.Combine(folder.Root, "initdb.log");
        using (var initdb = await LaunchAsync(command, log))
        {
            await initdb.WaitForExitAsync(ct);
            if (initdb.ExitCode != 0)
                throw new PostgresStartException($"initdb failed in {folder.Root}:\n{await File.ReadAllTextAsync(log, ct)}");
        }

        await File.AppendAllTextAsync(Path.Combine(folder.Data, "postgresql.conf"), "\ninclude_if_exists = 'webhooks.conf'\n", ct);
        File.Move(passwordFile, folder.PasswordFile);
    }

    /// <summary>Copies the data of a running server, as pg_basebackup does.</summary>
    /// <param name="port">The other server's port.</param>
    /// <param name="password">Its superuser's password, which the copy has too.</param>
    /// <param name="asStandby">Whether the copy, once started, follows the other server.</param>
    /// <param name="ct">Gives up.</param>
    public async Task CopyAsync(int port, string password, bool asStandby, CancellationToken ct)
    {
        await WritePrivateAsync(folder.PassFile, $"*:*:*:*:{password}\n", ct);
        string[] command =
        [
            binaries.Path("pg_basebackup"), "-d", $"host=127.0.0.1 port={port} user=postgres passfile='{folder.PassFile}'", "-D", folder.Data,
            "--wal-method=stream", "--checkpoint=fast", "--no-sync", .. asStandby ? ["--write-recovery-conf"] : Array.Empty<string>(),
        ];
        if (!OperatingSystem.IsWindows()) command = ["/usr/bin/env", .. ServerAccount.Wrap(account, command, tied: true)];
        var log = Path.Combine(folder.Root, "basebackup.log");
        using (var copy = await LaunchAsync(command, log))
        {
            await copy.WaitForExitAsync(ct);
            if (copy.ExitCode != 0)
                throw new PostgresStartException($"pg_basebackup failed in {folder.Root}:\n{await File.ReadAllTextAsync(log, ct)}");
        }

        await WritePrivateAsync(folder.PasswordFile, password, ct);
    }

    /// <summary>Has the next start recover the data as from an archive, and so begin a new timeline at the end of what was copied.</summary>
    public async Task RecoverAtNextStartAsync(CancellationToken ct)
    {
        await File.AppendAllTextAsync(
            Path.Combine(folder.Data, "postgresql.auto.conf"),
            "restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n", ct);
        await WritePrivateAsync(Path.Combine(folder.Data, "recovery.signal"), "", ct);
    }

    /// <summary>Starts the server and waits until it takes connections; false when somebody else has its port.</summary>
    public async Task<bool> TryStartAsync(IEnumerable<KeyValuePair<string, string>> settings, TimeSpan timeout, CancellationToken ct)
    {
        await WritePrivateAsync(
            folder.ServerSettings,
            string.Concat(settings.Select(s => $"{s.Key} = '{s.Value.Replace("'", "''", StringComparison.Ordinal)}'\n")), ct);
        File.Delete(folder.Log);
        string[] command = OperatingSystem.IsWindows()
            ? [binaries.Path("pg_ctl"), "start", "-W", "-s", "-D", folder.Data, "-l", folder.Log]
            : ["/usr/bin/env", .. ServerAccount.Wrap(account, [binaries.Path("postgres"), "-D", folder.Data], tied: true)];
        _launched = await LaunchAsync(command, folder.Log);

        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            if (folder.Postmaster is { } postmaster && ProcessTable.IsServerOf(postmaster.Id, folder.Data))
            {
                Id = postmaster.Id;
                if (postmaster.Ready) return true;
            }
            else if (_launched.HasExited && (!OperatingSystem.IsWindows() || _launched.ExitCode != 0 || Id != 0))
            {
                var log = folder.LogExcerpt();
                return log.Contains("could not create any TCP/IP sockets", StringComparison.Ordinal)
                    ? false
                    : throw new PostgresStartException($"PostgreSQL ended while it started in {folder.Root}. Its log:\n{log}");
            }

            if (TimeProvider.System.GetElapsedTime(began) > timeout)
            {
                Kill();
                throw new PostgresStartException($"PostgreSQL did not start within {timeout} in {folder.Root}. Its log:\n{folder.LogExcerpt()}");
            }

            await Task.Delay(Poll, TimeProvider.System, ct);
        }
    }

    public void Ask(ShutdownMode mode)
    {
        if (!IsRunning) return;
        if (OperatingSystem.IsWindows())
            Command.Run(binaries.Path("pg_ctl"), ["stop", "-W", "-s", "-D", folder.Data, "-m", mode.ToString()]);
        else
            ProcessTable.Signal(Id, mode switch
            {
                ShutdownMode.Smart => ProcessTable.SigTerm,
                ShutdownMode.Fast => ProcessTable.SigInt,
                _ => ProcessTable.SigQuit,
            });
    }

    /// <summary>Ends the postmaster and every child at one stroke; the postmaster is halted first, so that it makes no child in between.</summary>
    public int[] Kill()
    {
        if (Id == 0 || !ProcessTable.IsServerOf(Id, folder.Data))
        {
            if (_launched is { HasExited: false }) _launched.Kill(entireProcessTree: true);
            return [];
        }

        if (OperatingSystem.IsWindows())
        {
            using var postmaster = Process.GetProcessById(Id);
            postmaster.Kill(entireProcessTree: true);
            return [Id];
        }

        ProcessTable.Signal(Id, ProcessTable.SigStop);
        int[] all = [.. ProcessTable.ChildrenOf(Id), Id];
        foreach (var id in all) ProcessTable.Signal(id, ProcessTable.SigKill);
        return all;
    }

    public async Task WaitUntilGoneAsync(IEnumerable<int> ids, CancellationToken ct)
    {
        foreach (var id in ids)
            while (ProcessTable.IsAlive(id)) await Task.Delay(Poll, TimeProvider.System, ct);
        // A wrapper that stays for as long as the server (runuser, su) must not outlive it here either.
        if (_launched is not null) await _launched.WaitForExitAsync(ct);
    }

    private Task<Process> LaunchAsync(string[] command, string log) =>
        OperatingSystem.IsWindows()
            ? Command.LaunchAsync(command[0], command[1..], folder.Root)
            // The shell only points the output at the log and is then replaced: the child's number is the program's own.
            : Command.LaunchAsync("/bin/sh", ["-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", log, .. command], folder.Root);

    private async Task WritePrivateAsync(string path, string text, CancellationToken ct)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using (var writer = new StreamWriter(path, options)) await writer.WriteAsync(text.AsMemory(), ct);
        if (account is not null) ProcessTable.ChangeOwner(path, account);
    }
}
