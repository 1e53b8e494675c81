using System.Globalization;

namespace Webhooks.Testing;

/// <summary>The unprivileged user a server runs as when this process is root, which PostgreSQL refuses to run as.</summary>
internal sealed record ServerAccount(string Name, uint UserId, uint GroupId)
{
    private static readonly Lazy<ServerAccount?> Found = new(Find);
    private static readonly Lazy<bool> HasSetPriv = new(() => Command.Run("setpriv", [.. SetPriv(Current, tied: true), "true"]).ExitCode == 0);

    /// <summary>The account to use, or null when this process is none too privileged to run the server itself.</summary>
    public static ServerAccount? Current => Found.Value;

    /// <summary>
    /// The command that runs <paramref name="command"/> under the account. A tied one also gets SIGQUIT, an immediate shutdown, when this process
    /// dies in whatever way; where the platform has no such signal (macOS, a minimal Linux), a killed process leaves its server to the next start.
    /// </summary>
    public static string[] Wrap(ServerAccount? account, IEnumerable<string> command, bool tied)
    {
        if (!OperatingSystem.IsWindows() && HasSetPriv.Value)
            // A session of its own: an interrupt typed at the terminal is for this process, which still needs its database to stop in order.
            return [.. tied && Command.FindOnPath("setsid") is { } setsid ? [setsid] : Array.Empty<string>(), "setpriv", .. SetPriv(account, tied), .. command];
        if (account is null) return [.. command];
        return Command.FindOnPath("runuser") is not null
            ? ["runuser", "-u", account.Name, "--", .. command]
            : ["su", "-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", "--", account.Name, .. command];
    }

    /// <summary>Whether the account can make files in this folder: each folder above must let it pass.</summary>
    public static bool CanWrite(ServerAccount? account, string folder) =>
        account is null || Command.Run("/usr/bin/env", Wrap(account, ["test", "-w", folder], tied: false)).ExitCode == 0;

    private static string[] SetPriv(ServerAccount? account, bool tied) =>
    [
        .. account is null
            ? Array.Empty<string>()
            : ["--reuid", Number(account.UserId), "--regid", Number(account.GroupId), "--clear-groups"],
        .. tied ? ["--pdeathsig", "SIGQUIT"] : Array.Empty<string>(),
        "--",
    ];

    private static ServerAccount? Find()
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess) return null;
        foreach (var name in new[] { "postgres", "nobody" })
        {
            var (userCode, user) = Command.Run("id", ["-u", name]);
            var (groupCode, group) = Command.Run("id", ["-g", name]);
            if (userCode == 0 && groupCode == 0 && uint.TryParse(user, CultureInfo.InvariantCulture, out var uid)
                && uint.TryParse(group, CultureInfo.InvariantCulture, out var gid))
                return new ServerAccount(name, uid, gid);
        }

        throw new PostgresStartException(
            "PostgreSQL refuses to run as root, and there is neither a user \"postgres\" nor \"nobody\" to run it as. Run this as an ordinary user.");
    }

    private static string Number(uint value) => value.ToString(CultureInfo.InvariantCulture);
}
