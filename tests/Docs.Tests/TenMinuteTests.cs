using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Webhooks.Testing;

namespace Webhooks.Docs.Tests;

/// <summary>The guide's first ten minutes, done as it says: a new project, its lines, its command to send an event.</summary>
public sealed partial class TenMinuteTests : IDisposable
{
    private const string Address = "http://127.0.0.1:5080";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private readonly string _folder = Directory.CreateTempSubdirectory("shop-").FullName;
    private readonly CancellationTokenSource _limit = new(Limit);

    [Fact]
    public async Task NewProject_WithTheGuidesLines_HandlesAnEventOnce()
    {
        // dotnet new web, and the guide's files in place of those of the template.
        await RunAsync("dotnet", "new", "web", "--output", ".", "--name", "Shop", "--no-restore");
        var added = Guide.Code("Program.cs").Split('\n').Where(line => line.Trim().Length > 0).ToList();
        foreach (var line in (await ReadAsync("Program.cs")).ReplaceLineEndings("\n").Split('\n')) added.Remove(line);
        Assert.InRange(added.Count, 1, 15);
        await WriteAsync("Program.cs", Guide.Code("Program.cs"));
        await WriteAsync("appsettings.Development.json", Guide.Code("appsettings.Development.json"));

        // The projects instead of the packages, as they were built for this test.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var references = PackageName().Matches(Guide.Code("packages")).Select(package => package.Groups["project"].Value).ToList();
        Assert.NotEmpty(references);
        var items = references.Select(project => $"<ProjectReference Include=\"{Path.Combine(Guide.Root, "src", project, project + ".csproj")}\" />");
        await WriteAsync("Shop.csproj", (await ReadAsync("Shop.csproj")).Replace("</Project>", $"<ItemGroup>{string.Concat(items)}</ItemGroup></Project>", StringComparison.Ordinal));
        await RunAsync("dotnet", "build", "-c", configuration, "-p:BuildProjectReferences=false", "-p:UseSharedCompilation=false", "-nodeReuse:false", "-v", "quiet");

        var port = FreePort.Next();
        Assert.Contains($"dotnet run --urls {Address}", Guide.Code("run"), StringComparison.Ordinal);
        var lines = new BlockingCollection<string>();
        using var app = Start("dotnet", ["run", "-c", configuration, "--no-build", "--urls", $"http://127.0.0.1:{port}"], lines.Add);
        try
        {
            Until(lines, line => line.Contains("Now listening on", StringComparison.Ordinal));
            var send = Guide.Code("send").Replace(Address, $"http://127.0.0.1:{port}", StringComparison.Ordinal);
            Assert.Contains("HTTP/1.1 204", await RunAsync("bash", "-c", send), StringComparison.Ordinal);
            Until(lines, line => line.Contains("Invoice 4711 is paid", StringComparison.Ordinal));
            // Once more, then another event: had the first been handled twice, its line would stand between.
            Assert.Contains("HTTP/1.1 204", await RunAsync("bash", "-c", send), StringComparison.Ordinal);
            var next = send.Replace("\"seq\":1", "\"seq\":2", StringComparison.Ordinal).Replace("evt_1", "evt_2", StringComparison.Ordinal).Replace("4711", "4712", StringComparison.Ordinal);
            Assert.Contains("HTTP/1.1 204", await RunAsync("bash", "-c", next), StringComparison.Ordinal);
            Assert.DoesNotContain("4711", string.Join('\n', Until(lines, line => line.Contains("Invoice 4712 is paid", StringComparison.Ordinal))), StringComparison.Ordinal);
            using var http = new HttpClient();
            Assert.Equal("Healthy", await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/health"), _limit.Token));
        }
        finally
        {
            app.Kill(entireProcessTree: true);
            await app.WaitForExitAsync();
        }
    }

    public void Dispose()
    {
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private List<string> Until(BlockingCollection<string> lines, Func<string, bool> found)
    {
        var seen = new List<string>();
        try
        {
            do seen.Add(lines.Take(_limit.Token));
            while (!found(seen[^1]));
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"It did not come within {Limit}. The application said:\n{string.Join('\n', seen)}");
        }

        return seen;
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        var said = new ConcurrentQueue<string>();
        using var process = Start(program, arguments, said.Enqueue);
        try
        {
            await process.WaitForExitAsync(_limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {arguments[0]} did not end within {Limit}:\n{string.Join('\n', said)}");
        }

        Assert.True(process.ExitCode == 0, $"{program} {arguments[0]} ended with {process.ExitCode}:\n{string.Join('\n', said)}");
        return string.Join('\n', said);
    }

    private Process Start(string program, IEnumerable<string> arguments, Action<string> said)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // The test's own host sets it, and it would be inherited.
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Say(line.Data);
        process.ErrorDataReceived += (_, line) => Say(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Say(string? line)
        {
            if (line is not null) said(line);
        }
    }

    private Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path.Combine(_folder, file), _limit.Token);

    private Task WriteAsync(string file, string text) => File.WriteAllTextAsync(Path.Combine(_folder, file), text, _limit.Token);

    [GeneratedRegex(@"dotnet add package Webhooks\.(?<project>\S+)")]
    private static partial Regex PackageName();
}
