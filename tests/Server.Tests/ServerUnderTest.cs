using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Webhooks.Testing;

namespace Webhooks.Server.Tests;

/// <summary>The real program as a real process, and clients of it.</summary>
internal sealed partial class ServerUnderTest : IDisposable
{
    public const string MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly ChildProcess _process;
    private readonly HttpClient _http;

    private ServerUnderTest(ChildProcess process, ConcurrentQueue<string> log)
    {
        (_process, Log) = (process, log);
        Url = new Uri(log.Select(line => Listening().Match(line)).First(match => match.Success).Groups["url"].Value);
        _http = new HttpClient { BaseAddress = Url, Timeout = Patience };
    }

    public static string Program => Path.Combine(AppContext.BaseDirectory, "webhooks-server.dll");

    public Uri Url { get; }

    /// <summary>What it wrote so far, on both outputs.</summary>
    public ConcurrentQueue<string> Log { get; }

    public string AllLog => string.Join('\n', Log);

    /// <summary>Starts it on a free port and waits until it listens.</summary>
    public static async Task<ServerUnderTest> StartAsync(string database, params string[] more)
    {
        var log = new ConcurrentQueue<string>();
        var process = await ChildProcess.StartAsync(
            Program, ["--connection", database, "--master-key", MasterKey, "--urls", "http://127.0.0.1:0", .. more], log.Enqueue, line => Listening().IsMatch(line));
        return new ServerUnderTest(process, log);
    }

    /// <summary>Runs it to its end.</summary>
    public static Task<Ended> RunAsync(params string[] arguments) => RunAsync([], arguments);

    /// <summary>Runs it to its end, with more in its environment.</summary>
    public static async Task<Ended> RunAsync(Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Program, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = await Command.LaunchAsync(start);
        using var limit = new CancellationTokenSource(Patience);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }

        return new Ended(process.ExitCode, await output, await errors);
    }

    /// <summary>Makes a key with the program's own command.</summary>
    public static async Task<string> CreateKeyAsync(string database, params string[] more)
    {
        var ended = await RunAsync(["create-key", "--connection", database, "--name", "test", .. more]);
        Assert.True(ended.Exit == 0, ended.Errors);
        return ended.Output.Trim();
    }

    public async Task<Answer> AskAsync(string? key, string method, string path, string? body = null, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer((int)response.StatusCode, response.Headers.ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase), text);
    }

    /// <summary>Asks it to stop (SIGTERM).</summary>
    public void Terminate() => _process.Terminate();

    public Task KillAsync() => _process.KillAsync();

    /// <summary>Waits until it has ended by itself.</summary>
    public async Task<int> EndAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        return await _process.WaitAsync(limit.Token);
    }

    /// <summary>Waits until it has written something.</summary>
    public Task SaysAsync(string text) => Eventually.IsAsync(() => Task.FromResult(Log.Any(line => line.Contains(text, StringComparison.Ordinal))), () => $"It did not say \"{text}\":\n{AllLog}");

    public void Dispose()
    {
        _http.Dispose();
        _process.Dispose();
    }

    [GeneratedRegex("Now listening on: (?<url>http://[0-9.:]+)")]
    private static partial Regex Listening();
}

/// <summary>How a run of the program ended.</summary>
internal sealed record Ended(int Exit, string Output, string Errors)
{
    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>What was answered.</summary>
internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, string Text)
{
    public JsonNode Json => JsonNode.Parse(Text) ?? throw new JsonException("null");

    public string Id => Json["id"]!.GetValue<string>();

    public bool IsReplay => Headers.ContainsKey("Idempotency-Replayed");
}

/// <summary>Waits for what another process brings about, and says what was missing when it does not come.</summary>
internal static class Eventually
{
    public static async Task IsAsync(Func<Task<bool>> condition, Func<string> missing)
    {
        var until = Stopwatch.StartNew();
        while (!await condition())
        {
            if (until.Elapsed > TimeSpan.FromSeconds(120)) Assert.Fail(missing());
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }
}
