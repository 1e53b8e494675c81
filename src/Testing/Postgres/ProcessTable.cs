using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Webhooks.Testing;

/// <summary>Which process is which: a number alone may have been given to another one since.</summary>
internal readonly record struct ProcessIdentity(int Id, string Started, string Namespace)
{
    public static ProcessIdentity Current => new(Environment.ProcessId, ProcessTable.StartOf(Environment.ProcessId) ?? "", ProcessTable.OwnNamespace);

    public string Text => $"{Id.ToString(CultureInfo.InvariantCulture)}\n{Started}\n{Namespace}\n";

    /// <summary>False only when it is certain that the process has ended; one of another container cannot be judged from here.</summary>
    public bool MayBeAlive => Namespace != ProcessTable.OwnNamespace || IsAliveHere;

    /// <summary>True only when it is certain that the process lives: a kept directory on a volume may name one of an earlier container.</summary>
    public bool IsAliveHere => Namespace == ProcessTable.OwnNamespace && ProcessTable.StartOf(Id) == Started;

    public static ProcessIdentity? Parse(string text) =>
        text.Split('\n') is [var id, var started, var space, ..] && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new(number, started, space)
            : null;
}

/// <summary>The few questions about processes that .NET answers on no platform or not exactly enough.</summary>
internal static class ProcessTable
{
    public const int SigInt = 2, SigQuit = 3, SigKill = 9, SigTerm = 15;

    /// <summary>SIGSTOP has another number on macOS.</summary>
    public static int SigStop => OperatingSystem.IsLinux() ? 19 : 17;

    public static int SigCont => OperatingSystem.IsLinux() ? 18 : 19;

    public static string OwnNamespace { get; } =
        OperatingSystem.IsLinux() ? new FileInfo("/proc/self/ns/pid").LinkTarget ?? "" : Environment.MachineName;

    /// <summary>Something that tells this process from a later one of the same number; null when there is none, or only its remains.</summary>
    public static string? StartOf(int id)
    {
        if (OperatingSystem.IsLinux())
            return Stat(id) is { Length: > 19 } stat && stat[0] is not ("Z" or "X") ? stat[19] : null;
        try
        {
            using var process = Process.GetProcessById(id);
            return process.HasExited ? null : process.StartTime.ToUniversalTime().ToString("s", CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    public static bool IsAlive(int id) => StartOf(id) is not null;

    /// <summary>Whether the process is a PostgreSQL server of this data directory, as far as the platform tells.</summary>
    public static bool IsServerOf(int id, string dataDirectory)
    {
        if (!IsAlive(id)) return false;
        try
        {
            if (OperatingSystem.IsLinux())
                return File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/cmdline").Split('\0').Contains(dataDirectory);
            using var process = Process.GetProcessById(id);
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    public static int[] ChildrenOf(int parent)
    {
        if (OperatingSystem.IsLinux())
            return [.. Directory.EnumerateDirectories("/proc")
                .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
                .Where(id => id > 0 && Stat(id) is { Length: > 1 } stat && stat[1] == parent.ToString(CultureInfo.InvariantCulture))];
        var (_, output) = Command.Run("pgrep", ["-P", parent.ToString(CultureInfo.InvariantCulture)]);
        return [.. output.Split('\n').Select(line => int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0).Where(id => id > 0)];
    }

    public static void Signal(int id, int signal)
    {
        if (!OperatingSystem.IsWindows()) _ = Kill(id, signal);
    }

    public static void ChangeOwner(string path, ServerAccount account)
    {
        if (Chown(path, account.UserId, account.GroupId) != 0)
            throw new IOException($"Cannot give {path} to the user {account.Name}: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    /// <summary>The fields of /proc/id/stat from the state on; the name before them may hold anything.</summary>
    private static string[]? Stat(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int id, int signal);

    [DllImport("libc", EntryPoint = "chown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);
}
