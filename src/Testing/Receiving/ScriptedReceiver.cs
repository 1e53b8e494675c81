using System.Collections.Concurrent;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>
/// A real HTTP server on 127.0.0.1 that answers by a script and captures what it got. Without a script it answers 204.
/// </summary>
public sealed class ScriptedReceiver : IAsyncDisposable
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);
    private static readonly byte[] Filler = new byte[16 * 1024];

    private readonly ScriptedReceiverOptions _options;
    private readonly RequestLog _log;
    private readonly ConcurrentQueue<ScriptedAnswer> _script = new();
    private volatile Func<CapturedRequest, ScriptedAnswer>? _respond;
    private ReceiverServer? _server;

    private ScriptedReceiver(ScriptedReceiverOptions options) =>
        (_options, _log, Port) = (options, new RequestLog(options.KeepRequests), options.Port);

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>Where to send to: <c>http://127.0.0.1:port/</c>. Any path below it is taken.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}/");

    /// <summary>How many requests were captured so far, kept or not.</summary>
    public long Count => _log.Count;

    /// <summary>The requests that are kept, oldest first, as of now.</summary>
    public IReadOnlyList<CapturedRequest> Requests => _log.Snapshot();

    /// <summary>Starts a receiver; it takes requests when this returns.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ScriptedReceiver> StartAsync(ScriptedReceiverOptions? options = null, CancellationToken ct = default)
    {
        var receiver = new ScriptedReceiver(options ?? new ScriptedReceiverOptions());
        await receiver.StartAgainAsync(ct);
        return receiver;
    }

    /// <summary>Appends to the script: the next requests get these answers, one each, in the order of their arrival.</summary>
    public void Enqueue(params ReadOnlySpan<ScriptedAnswer> answers)
    {
        foreach (var answer in answers) _script.Enqueue(answer);
    }

    /// <summary>Decides the answer to every request for which nothing is enqueued. Null goes back to 204.</summary>
    /// <param name="respond">Called once for each request, after its body was read, from several threads at once.</param>
    public void Respond(Func<CapturedRequest, ScriptedAnswer>? respond) => _respond = respond;

    /// <summary>Waits, in real time, until so many requests have been captured since the receiver was made.</summary>
    /// <param name="count">How many, at least.</param>
    /// <param name="timeout">How long; null for 30 s.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The requests that are kept then.</returns>
    /// <exception cref="TimeoutException">There were fewer.</exception>
    public async Task<IReadOnlyList<CapturedRequest>> WaitForAsync(int count, TimeSpan? timeout = null, CancellationToken ct = default)
    {
        try
        {
            await _log.WaitAsync(r => r.Number >= count, () => Count >= count, timeout ?? DefaultTimeout, ct);
            return Requests;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{Count} requests arrived where {count} were expected.");
        }
    }

    /// <summary>Waits, in real time, for a request; one that is kept already will do.</summary>
    /// <param name="wanted">Which one.</param>
    /// <param name="timeout">How long; null for 30 s.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="TimeoutException">None came.</exception>
    public async Task<CapturedRequest> WaitForAsync(
        Func<CapturedRequest, bool> wanted, TimeSpan? timeout = null, CancellationToken ct = default)
    {
        try
        {
            return (await _log.WaitAsync(wanted, () => false, timeout ?? DefaultTimeout, ct))!;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"None of the {Count} requests that arrived was the expected one.");
        }
    }

    /// <summary>Verifies each kept request with these secrets, oldest first, with its timestamp held against its time of arrival.</summary>
    /// <exception cref="InvalidOperationException">A body was not kept.</exception>
    public IReadOnlyList<VerificationResult> Verify(params WebhookSecret[] secrets) => [.. Requests.Select(r => r.Verify(secrets))];

    /// <summary>Plays an outage: aborts what is under way and closes the port, so that connections are refused. Script and captures stay.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is not { } server) return;
        await server.StopAsync();
        server.Dispose();
    }

    /// <summary>Ends an outage: listens again on the same port. Nothing happens when it is listening.</summary>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="IOException">The port has been taken since.</exception>
    public async Task StartAgainAsync(CancellationToken ct = default)
    {
        if (_server is not null) return;
        if (Port == 0)
        {
            (_server, Port) = await ReceiverServer.StartAnywhereAsync(AnswerAsync, ct);
            return;
        }

        var server = new ReceiverServer(AnswerAsync);
        await server.StartAsync(Port, ct);
        _server = server;
    }

    /// <summary>Closes the port.</summary>
    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task AnswerAsync(HttpContext context, CancellationToken ct)
    {
        var arrivedAt = _options.Clock.GetUtcNow();
        var scripted = _script.TryDequeue(out var next) ? next : null;
        byte[]? body = null;
        if (scripted?.Kind != AnswerKind.ResetBeforeReading) body = await ReadAsync(context.Request.BodyReader, ct);

        CapturedRequest? captured = null;
        CapturedRequest Capture(long number) => captured = new CapturedRequest(
            number, context.Request.Method, context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            context.Request.Headers.ToDictionary(
                h => h.Key, h => (IReadOnlyList<string>)[.. h.Value.Select(v => v ?? "")], StringComparer.OrdinalIgnoreCase),
            body, arrivedAt);
        _log.Add(Capture);
        var answer = scripted ?? _respond?.Invoke(captured ?? Capture(0)) ?? ScriptedAnswer.NoContent;

        await answer.After.WaitAsync(ct);
        if (answer.DelayBefore > TimeSpan.Zero) await Task.Delay(answer.DelayBefore, _options.Clock, ct);
        await SendAsync(answer, context, ct);
    }

    private async Task<byte[]?> ReadAsync(PipeReader reader, CancellationToken ct)
    {
        using var kept = _options.KeepBodies ? new MemoryStream() : null;
        while (true)
        {
            var result = await reader.ReadAsync(ct);
            if (kept is not null)
                foreach (var part in result.Buffer) kept.Write(part.Span);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return kept?.ToArray();
        }
    }

    private async Task SendAsync(ScriptedAnswer answer, HttpContext context, CancellationToken ct)
    {
        if (answer.Kind is AnswerKind.ResetBeforeReading or AnswerKind.ResetAfterReading)
        {
            context.Abort();
            return;
        }

        if (answer.Kind == AnswerKind.Never) await Task.Delay(Timeout.InfiniteTimeSpan, _options.Clock, ct);

        var response = context.Response;
        response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers) response.Headers.Append(name, value);
        if (answer.Kind == AnswerKind.EndlessBody)
        {
            while (true) await response.Body.WriteAsync(Filler, ct);
        }

        if (answer.Status is not (204 or 304) && !response.Headers.ContainsKey("Content-Length")) response.ContentLength = answer.Body.Length;
        if (answer.Kind != AnswerKind.SlowBody)
        {
            if (!answer.Body.IsEmpty) await response.Body.WriteAsync(answer.Body, ct);
            return;
        }

        for (var at = 0; at < answer.Body.Length; at++)
        {
            await response.Body.WriteAsync(answer.Body.Slice(at, 1), ct);
            await response.Body.FlushAsync(ct);
            await Task.Delay(answer.DelayPerByte, _options.Clock, ct);
        }
    }
}
