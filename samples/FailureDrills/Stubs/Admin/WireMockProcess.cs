using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>A WireMock (Java) of our own: the jar of the npm package, on a port of its own, ended by its own process number.</summary>
internal sealed class WireMockProcess : IAsyncDisposable
{
    private static readonly TimeSpan MostForInstalling = TimeSpan.FromMinutes(2), MostForStarting = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly string _folder;

    private WireMockProcess(Process process, Uri url, string folder) => (_process, Url, _folder) = (process, url, folder);

    public Uri Url { get; }

    /// <returns>The server, or why it cannot be had on this machine.</returns>
    public static async Task<(WireMockProcess? Server, string? Trouble)> StartAsync(CancellationToken cancel)
    {
        if (Command.FindOnPath("java") is not { } java) return (null, "no Java: there is no \"java\" on PATH");
        if (FindFolder() is not { } folder) return (null, "samples/FailureDrills/package-lock.json is not above the program's own folder");
        var (jar, trouble) = await BringAsync(folder, cancel);
        if (jar is null) return (null, trouble);
        var port = FreePort.Next();
        // It makes folders for mappings and files where it stands, and reads those that are there: not in the caller's.
        var own = Directory.CreateTempSubdirectory("webhooks-wiremock-").FullName;
        string[] command =
        [
            java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", jar, "--port", port.ToString(CultureInfo.InvariantCulture), "--root-dir", own,
            "--bind-address", "127.0.0.1", "--disable-banner", "--container-threads", "100", "--async-response-enabled", "true", "--async-response-threads", "50",
        ];
        // Whoever kills this process takes the server along.
        if (Command.FindOnPath("setpriv") is { } setpriv) command = [setpriv, "--pdeathsig", "SIGKILL", "--", .. command];
        var process = await Command.LaunchAsync(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true });
        var said = new List<string>();
        foreach (var reader in new[] { process.StandardOutput, process.StandardError })
            _ = Task.Run(async () =>
            {
                while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
                    lock (said)
                        if (said.Count < 50) said.Add(line);
            }, CancellationToken.None);
        var server = new WireMockProcess(process, new Uri(FormattableString.Invariant($"http://127.0.0.1:{port}/")), own);
        if (await server.IsReadyAsync(cancel)) return (server, null);
        await server.DisposeAsync();
        lock (said) return (null, $"WireMock did not start: {string.Join(' ', said)}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancel)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var began = Stopwatch.GetTimestamp();
        while (!_process.HasExited && Stopwatch.GetElapsedTime(began) < MostForStarting)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri(Url, "/__admin/health"), cancel);
                if (answer.IsSuccessStatusCode) return true;
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                // Not yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancel);
        }

        return false;
    }

    /// <summary>Finds the jar where the lock file's package puts it; installs that when it is not there.</summary>
    private static async Task<(string? Jar, string? Trouble)> BringAsync(string folder, CancellationToken cancel)
    {
        if (FindJar(folder) is { } there) return (there, null);
        try
        {
            using var npm = Process.Start(new ProcessStartInfo(
                RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "npm.cmd" : "npm",
                ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"])
            {
                WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(MostForInstalling);
            try
            {
                var said = await Task.WhenAll(npm.StandardOutput.ReadToEndAsync(limit.Token), npm.StandardError.ReadToEndAsync(limit.Token));
                await npm.WaitForExitAsync(limit.Token);
                if (npm.ExitCode != 0) return (null, $"no WireMock: npm ended with code {npm.ExitCode}: {string.Concat(said).Trim()}");
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                npm.Kill(entireProcessTree: true);
                return (null, "no WireMock: npm did not end");
            }
        }
        catch (Win32Exception e)
        {
            return (null, $"no WireMock: npm was not started ({e.Message})");
        }

        return FindJar(folder) is { } jar ? (jar, null) : (null, "no WireMock: the npm package holds no jar");
    }

    private static string? FindJar(string folder) =>
        Path.Combine(folder, "node_modules", "wiremock", "build") is var build && Directory.Exists(build)
            ? Directory.EnumerateFiles(build, "wiremock-standalone-*.jar").FirstOrDefault() : null;

    private static string? FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            foreach (var place in new[] { folder.FullName, Path.Combine(folder.FullName, "samples", "FailureDrills") })
                if (File.Exists(Path.Combine(place, "package-lock.json")) && File.Exists(Path.Combine(place, "FailureDrills.csproj"))) return place;
        return null;
    }
}
