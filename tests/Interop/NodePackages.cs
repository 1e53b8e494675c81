using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Webhooks.Interop;

/// <summary>Installs the pinned packages once per machine: again only when the lock file has changed.</summary>
internal static class NodePackages
{
    // xunit asks while it looks for tests, and several times; the answer is found once.
    private static readonly Lazy<string?> Found = new(Install);

    public static string Directory { get; } = ProjectDirectory();

    /// <summary>Why the packages can't be used on this machine, or null.</summary>
    public static string? Trouble => Found.Value;

    /// <summary>Why tests are skipped, or null when they run; in CI they run, and fail, whatever is missing.</summary>
    public static string? SkipReason => SkipReasonFor(Trouble, Environment.GetEnvironmentVariable("CI"));

    internal static string? SkipReasonFor(string? trouble, string? ci) =>
        string.Equals(ci, "true", StringComparison.OrdinalIgnoreCase) || ci == "1" ? null : trouble;

    private static string? Install()
    {
        if (Run("node", ["--version"], TimeSpan.FromSeconds(30)) is { } noNode) return $"Node is needed: {noNode}";
        var locked = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(Directory, "package-lock.json"))));
        var mark = Path.Combine(Directory, "node_modules", ".installed-from");
        if (File.Exists(mark) && File.ReadAllText(mark) == locked) return null;

        // svix asks for a newer Node than many machines have, though what is used of it runs on older ones.
        string[] arguments =
            ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--engine-strict=false", "--prefer-offline", "--fetch-retries=1"];
        // On Windows npm is a .cmd file, which only the command interpreter finds.
        var failed = OperatingSystem.IsWindows()
            ? Run("cmd", ["/c", "npm", .. arguments], TimeSpan.FromMinutes(3))
            : Run("npm", arguments, TimeSpan.FromMinutes(3));
        if (failed is not null) return $"npm could not install the pinned packages: {failed}";
        // Written last: an installation that was cut off has no mark. npm ci empties the folder first.
        File.WriteAllText(mark, locked);
        return null;
    }

    /// <summary>Runs a command to its end and gives what went wrong, or null.</summary>
    private static string? Run(string command, string[] arguments, TimeSpan limit)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments)
            {
                WorkingDirectory = Directory, RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(limit))
            {
                process.Kill(entireProcessTree: true);
                return $"{command} did not end within {limit.TotalSeconds:0} s";
            }

            var text = (output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult()).Trim();
            return process.ExitCode == 0 ? null : $"{command} ended with code {process.ExitCode}: {text}";
        }
        catch (Win32Exception e)
        {
            return $"{command} was not started ({e.Message})";
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private static string ProjectDirectory()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "package-lock.json")))
                return directory.FullName;
        throw new InvalidOperationException("These tests run from the build output of their project; no package-lock.json was found above it.");
    }
}
