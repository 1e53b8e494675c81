using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Webhooks.Bench.Peers;

/// <summary>The peers' scripts with the pinned packages they use, and the pinned Node that runs them, which comes as a package, too.</summary>
internal sealed class PeerPackages
{
    private static readonly TimeSpan MostForInstalling = TimeSpan.FromMinutes(3);

    private PeerPackages(string directory) => Directory = directory;

    public string Directory { get; }

    public string Node => Path.Combine(Directory, "node_modules", NodePackage, "bin", "node");

    private static string NodePackage => "node-linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>Brings what is not there; again only when the lock file has changed.</summary>
    /// <returns>The packages, or why they cannot be had.</returns>
    public static async Task<(PeerPackages? Packages, string? Trouble)> BringAsync(CancellationToken cancel)
    {
        if (!OperatingSystem.IsLinux()) return (null, "no Node is pinned for this system");
        if (FindDirectory() is not { } directory) return (null, "bench/Peers is not above the bench's own folder");
        var packages = new PeerPackages(directory);
        var locked = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(directory, "package-lock.json"), cancel)));
        var mark = Path.Combine(directory, "node_modules", ".installed-from");
        if (!File.Exists(mark) || await File.ReadAllTextAsync(mark, cancel) != locked)
        {
            Measuring.Report.Progress("Bringing the peers' packages and their Node (once) ...");
            if (await InstallAsync(directory, cancel) is { } trouble) return (null, trouble);
            if (!File.Exists(packages.Node)) return (null, $"the package {NodePackage} is not to be had");
            // Last, so that an installation that was cut off has none.
            await File.WriteAllTextAsync(mark, locked, cancel);
        }

        return (packages, null);
    }

    private static async Task<string?> InstallAsync(string directory, CancellationToken cancel)
    {
        // npm itself runs on an older Node than the packages ask for.
        string[] arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--engine-strict=false", "--fetch-retries=1", "--loglevel=error"];
        try
        {
            using var npm = Process.Start(new ProcessStartInfo("npm", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true })!;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(MostForInstalling);
            try
            {
                var said = await Task.WhenAll(npm.StandardOutput.ReadToEndAsync(limit.Token), npm.StandardError.ReadToEndAsync(limit.Token));
                await npm.WaitForExitAsync(limit.Token);
                return npm.ExitCode == 0 ? null : $"npm ended with code {npm.ExitCode}: {string.Concat(said).Trim()}";
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                npm.Kill(entireProcessTree: true);
                return $"npm did not end within {MostForInstalling.TotalMinutes:0} minutes";
            }
        }
        catch (Win32Exception trouble)
        {
            return $"npm was not started ({trouble.Message})";
        }
    }

    private static string? FindDirectory()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "Peers") is var peers && File.Exists(Path.Combine(peers, "package-lock.json")))
                return peers;
        return null;
    }
}
