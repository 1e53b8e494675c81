using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Webhooks.Interop;

/// <summary>The published JavaScript libraries, as signers and verifiers, in one long-lived Node process.</summary>
public sealed class NodeWebhooks : IAsyncLifetime, IDisposable
{
    /// <summary>The libraries it knows. svix wraps standardwebhooks, so the two share their cryptography, but not their reading of headers.</summary>
    public static readonly string[] Libraries = ["standardwebhooks", "svix"];

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly SemaphoreSlim _turn = new(1);
    private readonly StringBuilder _errors = new();
    private Process? _process;
    private int _number;

    /// <summary>What a library said of a request.</summary>
    public sealed record Verdict(bool Valid, string? Reason);

    private sealed record Request(
        int Number, string Call, string Library, string Secret, string Body, string? Id = null, long? Timestamp = null,
        IReadOnlyDictionary<string, string>? Headers = null);

    private sealed record Answer(int Number, bool? Valid = null, string? Reason = null, string? Signature = null, string? Error = null);

    /// <summary>Whether <paramref name="library"/>, holding <paramref name="secret"/>, accepts the request.</summary>
    public async Task<Verdict> VerifyAsync(
        string library, string secret, IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> body)
    {
        var answer = await AskAsync(new Request(0, "verify", library, secret, Convert.ToBase64String(body.Span), Headers: headers));
        return new Verdict(answer.Valid ?? throw new InvalidOperationException($"{library} said neither yes nor no."), answer.Reason);
    }

    /// <summary>The value of <c>webhook-signature</c> as <paramref name="library"/> makes it.</summary>
    public async Task<string> SignAsync(string library, string secret, string id, long timestamp, ReadOnlyMemory<byte> body)
    {
        var answer = await AskAsync(new Request(0, "sign", library, secret, Convert.ToBase64String(body.Span), id, timestamp));
        return answer.Signature ?? throw new InvalidOperationException($"{library} gave no signature.");
    }

    Task IAsyncLifetime.InitializeAsync()
    {
        // Skipped tests never get here; where nothing may be skipped, this is how its absence shows.
        if (NodePackages.Trouble is { } trouble)
            return NodePackages.SkipReason is null ? throw new InvalidOperationException(trouble) : Task.CompletedTask;
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        _process = Process.Start(new ProcessStartInfo("node", ["node-webhooks.mjs"])
        {
            WorkingDirectory = NodePackages.Directory, StandardInputEncoding = utf8, StandardOutputEncoding = utf8,
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        _process.ErrorDataReceived += (_, line) => { lock (_errors) _errors.AppendLine(line.Data); };
        _process.BeginErrorReadLine();
        return Task.CompletedTask;
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        if (_process is null) return;
        // End of input is how the script knows that it is done.
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process?.Dispose();
        _turn.Dispose();
    }

    private async Task<Answer> AskAsync(Request request)
    {
        var process = _process ?? throw new InvalidOperationException("Node is not running.");
        await _turn.WaitAsync();
        try
        {
            request = request with { Number = ++_number };
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request, Json)).WaitAsync(Limit);
            await process.StandardInput.FlushAsync().WaitAsync(Limit);
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(Limit);
            if (line is null)
            {
                await process.WaitForExitAsync().WaitAsync(Limit);
                lock (_errors) throw new InvalidOperationException($"Node ended with code {process.ExitCode}: {_errors}");
            }

            var answer = JsonSerializer.Deserialize<Answer>(line, Json)!;
            if (answer.Number != request.Number) throw new InvalidOperationException($"Answer {answer.Number} to request {request.Number}.");
            return answer.Error is null ? answer : throw new InvalidOperationException($"{request.Library}: {answer.Error}");
        }
        finally
        {
            _turn.Release();
        }
    }
}

/// <summary>Tests of this collection share one Node process.</summary>
[CollectionDefinition(Name)]
public sealed class NodeCollection : ICollectionFixture<NodeWebhooks>
{
    public const string Name = "node";
}
