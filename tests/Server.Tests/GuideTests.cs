using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Webhooks.Dispatcher;
using Webhooks.Testing;

namespace Webhooks.Server.Tests;

/// <summary>What docs/server.md says is so, and its quick start works as it is written.</summary>
public class GuideTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    [Fact]
    public void Settings_EachIsInTheTable_WithItsDefault() =>
        Assert.Equal(
            Defaults("Webhooks", new WebhookDispatcherOptions()).Concat(Defaults("Server", new ServerOptions())).Order(), Guide.Settings.Order());

    [Fact]
    public async Task Unit_StopsNoSoonerThanTheServerDoes()
    {
        var unit = await File.ReadAllTextAsync(Path.Combine(Guide.Root, "src", "Server", "webhooks-server.service"));
        var seconds = int.Parse(Regex.Match(unit, "^TimeoutStopSec=([0-9]+)$", RegexOptions.Multiline).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(TimeSpan.FromSeconds(seconds) >= new ServerOptions().StopTimeout + TimeSpan.FromSeconds(10), $"TimeoutStopSec={seconds}");
    }

    [Fact]
    public async Task QuickStart_AsWritten_EndsWithADeliveredEvent()
    {
        var folder = Directory.CreateTempSubdirectory("webhooks-server-").FullName;
        try
        {
            // The program as the test built it, in the place of the one that the first block publishes.
            var program = Path.Combine(folder, "webhooks-server");
            await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec dotnet '{ServerUnderTest.Program}' \"$@\"\n");
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            var script = string.Concat(new[] { "settings", "start", "endpoint", "receiver", "publish" }.Select(Guide.Code));
            foreach (var (written, here) in new[]
            {
                ("Host=localhost;Database=webhooks;Username=postgres;Password=postgres", await SharedPostgres.CreateDatabaseAsync()),
                ("http://127.0.0.1:8080", $"http://127.0.0.1:{FreePort.Next()}"),
                ("http://127.0.0.1:5080", $"http://127.0.0.1:{FreePort.Next()}"),
                ("Data Source=quickstart.db", $"Data Source={folder}/quickstart.db"),
                ("dotnet run -c Release --project samples/Integrator", $"dotnet run -c {configuration} --no-build --project '{Guide.Root}/samples/Integrator'"),
            })
            {
                Assert.Contains(written, script, StringComparison.Ordinal);
                script = script.Replace(written, here, StringComparison.Ordinal);
            }

            var said = await RunAsync(folder, $"set -eo pipefail\n{script}\necho; echo all done; wait");
            Assert.Contains("\"status\":\"accepted\",\"replayed\":false", said, StringComparison.Ordinal);
            Assert.Contains("<td>4711<td>Ada<td>19.99<td>paid", said, StringComparison.Ordinal);
            Assert.Contains("\"head\":2", said, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Runs it until it says that all is done; then it and what it started is ended.</summary>
    private static async Task<string> RunAsync(string folder, string script)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = folder + Path.PathSeparator + start.Environment["PATH"];
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var limit = new CancellationTokenSource(Limit);
        using var process = await Command.LaunchAsync(start);
        var said = new List<string>();
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var isDone = false;
        try
        {
            while (!isDone && await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                said.Add(line);
                isDone = line == "all done";
            }
        }
        catch (OperationCanceledException)
        {
            // Told below, with what it said.
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        Assert.True(isDone, $"It did not come to its end:\n{string.Join('\n', said)}\n{await errors}");
        return string.Join('\n', said);
    }

    private static IEnumerable<(string Setting, string Default)> Defaults(string path, object options) =>
        options.GetType().GetProperties().SelectMany(property => (property.GetValue(options), property.PropertyType) switch
        {
            ({ } nested, var type) when type.Name.EndsWith("Options", StringComparison.Ordinal) => Defaults($"{path}:{property.Name}", nested),
            var (value, _) => [($"{path}:{property.Name}", property.Name is "ConnectionString" or "MasterKey" ? "required" : Written(value))],
        });

    private static string Written(object? value) => value switch
    {
        null or "" or ICollection { Count: 0 } => "none",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        bool isOn => isOn ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
