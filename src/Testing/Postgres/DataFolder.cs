using System.Security.Cryptography;

namespace Webhooks.Testing;

/// <summary>
/// The folder of one private server: <c>data</c> (PostgreSQL's own), <c>server.log</c>, <c>password</c> (written last, so it also says that
/// initialisation was completed) and <c>owner</c> (the process that holds the server).
/// </summary>
internal sealed class DataFolder
{
    private const string ThrowAwayPrefix = "webhooks-pg-";
    private static readonly TimeSpan Unfinished = TimeSpan.FromHours(1);

    private DataFolder(string root, bool isKept) => (Root, IsKept) = (root, isKept);

    public string Root { get; }

    public bool IsKept { get; }

    public string Data => Path.Combine(Root, "data");

    public string Log => Path.Combine(Root, "server.log");

    public string ServerSettings => Path.Combine(Data, "webhooks.conf");

    /// <summary>By which the programs of PostgreSQL find the password of another server.</summary>
    public string PassFile => Path.Combine(Root, "passfile");

    public string PasswordFile => Path.Combine(Root, "password");

    public bool IsInitialised => File.Exists(PasswordFile);

    private string OwnerFile => Path.Combine(Root, "owner");

    /// <summary>The process number in PostgreSQL's own lock file, and whether it says that connections are taken; a standby takes those that read.</summary>
    public (int Id, bool Ready)? Postmaster
    {
        get
        {
            try
            {
                var lines = File.ReadAllLines(Path.Combine(Data, "postmaster.pid"));
                return lines.Length > 0 && int.TryParse(lines[0], out var id) ? (id, lines.Length > 7 && lines[7].Trim() == "ready") : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    public static DataFolder Create(string? kept, ServerAccount? account)
    {
        var folder = kept is not null ? new DataFolder(Path.GetFullPath(kept), isKept: true) : CreateThrowAway(account);
        if (folder.IsKept) folder.Prepare(account);
        return folder;
    }

    /// <summary>Says that this process holds the server; fails when another living one does.</summary>
    public async Task ClaimAsync(CancellationToken ct)
    {
        if (ReadOwner() is { IsAliveHere: true } owner)
            throw new InvalidOperationException($"{Root} is in use: process {owner.Id} holds it.");
        // A killed owner's server ends by itself within moments where the platform can tell it; elsewhere it is ended here.
        for (var waited = 0; waited < 500 && Postmaster is { } running && ProcessTable.IsServerOf(running.Id, Data); waited++)
        {
            if (waited == 200) ProcessTable.Signal(running.Id, ProcessTable.SigQuit);
            if (waited == 400) ProcessTable.Signal(running.Id, ProcessTable.SigKill);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
        }

        // PostgreSQL would take any process that has the dead server's number since for the server.
        if (Postmaster is { } stale && !ProcessTable.IsServerOf(stale.Id, Data)) File.Delete(Path.Combine(Data, "postmaster.pid"));
        await File.WriteAllTextAsync(OwnerFile, ProcessIdentity.Current.Text, ct);
        // An initialisation that was cut short is begun again.
        if (!IsInitialised && Directory.Exists(Data)) Directory.Delete(Data, recursive: true);
    }

    public void Release()
    {
        if (IsKept) TryDo(() => File.Delete(OwnerFile));
        else TryDo(Delete);
    }

    /// <summary>Copies the data, and the password last.</summary>
    public void CopyTo(DataFolder other, ServerAccount? account)
    {
        CopyFolder(Data, other.Data, account);
        CopyFile(PasswordFile, other.PasswordFile, account);
    }

    public string LogExcerpt()
    {
        try
        {
            return string.Join('\n', File.ReadLines(Log).TakeLast(25));
        }
        catch (IOException)
        {
            return "(no log)";
        }
    }

    /// <summary>Removes the throw-away folders, and servers, of processes that were killed.</summary>
    public static async Task RemoveLeftoversAsync(CancellationToken ct)
    {
        foreach (var temp in new[] { Path.GetTempPath(), "/tmp" }.Where(Directory.Exists).Select(Path.GetFullPath).Distinct())
            foreach (var root in Directory.EnumerateDirectories(temp, ThrowAwayPrefix + "*"))
            {
                var folder = new DataFolder(root, isKept: false);
                var isLeftOver = false;
                TryDo(() => isLeftOver = folder.IsLeftOver());
                if (isLeftOver && await folder.EndOrphanAsync(ct)) TryDo(folder.Delete);
            }
    }

    private bool IsLeftOver() =>
        new DirectoryInfo(Root).LinkTarget is null
        && (ReadOwner() is { } owner
            ? !owner.MayBeAlive
            : TimeProvider.System.GetUtcNow() - Directory.GetLastWriteTimeUtc(Root) > Unfinished);

    /// <summary>False when the server is still there after a while: then a later start tries again.</summary>
    private async Task<bool> EndOrphanAsync(CancellationToken ct)
    {
        for (var waited = 0; Postmaster is { } orphan && ProcessTable.IsServerOf(orphan.Id, Data); waited++)
        {
            if (waited == 300) return false;
            if (waited == 0) ProcessTable.Signal(orphan.Id, ProcessTable.SigQuit);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
        }

        return true;
    }

    /// <summary>The owner's file goes last: what a failure leaves is still known as left over.</summary>
    private void Delete()
    {
        if (Directory.Exists(Data)) Directory.Delete(Data, recursive: true);
        Directory.Delete(Root, recursive: true);
    }

    private static DataFolder CreateThrowAway(ServerAccount? account)
    {
        var folder = new DataFolder(Directory.CreateTempSubdirectory(ThrowAwayPrefix).FullName, isKept: false);
        folder.GiveTo(account);
        if (ServerAccount.CanWrite(account, folder.Root)) return folder;

        // root's own temp folder is often closed to everybody else.
        Directory.Delete(folder.Root);
        folder = new DataFolder($"/tmp/{ThrowAwayPrefix}{RandomNumberGenerator.GetHexString(8, lowercase: true)}", isKept: false);
        Directory.CreateDirectory(folder.Root);
        folder.GiveTo(account);
        return ServerAccount.CanWrite(account, folder.Root)
            ? folder
            : throw new PostgresStartException($"The user {account?.Name}, which the server must run as, cannot write below {Path.GetTempPath()} or /tmp.");
    }

    private void Prepare(ServerAccount? account)
    {
        var isNew = !Directory.Exists(Root) || !Directory.EnumerateFileSystemEntries(Root).Any();
        if (!isNew && !IsInitialised && !File.Exists(OwnerFile))
            throw new InvalidOperationException($"{Root} is neither empty nor the data directory of a private PostgreSQL; nothing was changed.");
        if (isNew)
        {
            Directory.CreateDirectory(Root);
            GiveTo(account);
        }

        if (!ServerAccount.CanWrite(account, Root))
            throw new PostgresStartException(
                $"The user {account?.Name}, which the server must run as because this process is root, cannot write to {Root}. "
                + "Choose a folder that it can reach, for example below /var/lib or /tmp.");
    }

    private void GiveTo(ServerAccount? account)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (account is not null) ProcessTable.ChangeOwner(Root, account);
    }

    private static void CopyFolder(string from, string to, ServerAccount? account)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(to);
        else Directory.CreateDirectory(to, File.GetUnixFileMode(from));
        if (account is not null) ProcessTable.ChangeOwner(to, account);
        foreach (var folder in Directory.EnumerateDirectories(from)) CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)), account);
        foreach (var file in Directory.EnumerateFiles(from)) CopyFile(file, Path.Combine(to, Path.GetFileName(file)), account);
    }

    private static void CopyFile(string from, string to, ServerAccount? account)
    {
        File.Copy(from, to);
        if (account is not null) ProcessTable.ChangeOwner(to, account);
    }

    private ProcessIdentity? ReadOwner() => File.Exists(OwnerFile) ? ProcessIdentity.Parse(File.ReadAllText(OwnerFile)) : null;

    private static void TryDo(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else's folder, or a file still held for a moment: the next start removes it.
        }
    }
}
