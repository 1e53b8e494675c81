using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>Promises 9 and 13: whatever an endpoint answers, or does not, it ends under its own name, in the time there is, and without filling memory.</summary>
public class BoundedResponseTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\n";

    // Long enough for every other outcome on any machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(700);
    private static readonly byte[] Filling = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
    private long _sent;

    public static TheoryData<string, string> Hostile => new()
    {
        { "accepts, never answers", "timed_out" },
        { "one byte of headers at a time", "timed_out" },
        { "status line only", "timed_out" },
        { "one byte of body at a time", "timed_out" },
        { "chunks of one byte", "timed_out" },
        { "less body than promised", "timed_out" },
        { "1xx without end", "timed_out" },
        { "endless body", "response_too_large" },
        { "endless chunk", "response_too_large" },
        { "endless chunk extension", "connection_reset" },
        { "one huge header", "response_too_large" },
        { "headers without end", "response_too_large" },
        { "status line without end", "response_too_large" },
        { "trailers without end", "response_too_large" },
        { "closes at once", "connection_reset" },
        { "closes in the body", "connection_reset" },
        { "not HTTP", "invalid_response" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Answer_Hostile_EndsByItsNameInTimeAndMemory(string what, string outcome)
    {
        await using var endpoint = new RawEndpoint(connection => AnswerAsync(what, connection));
        await using var sender = new Sender(options => options.Timeout = outcome == "timed_out" ? Limit : Patience);
        var result = await sender.SendAsync(endpoint.Url);
        Assert.Equal(outcome, result.Outcome.Word());
        // What times out would go on for ever.
        Assert.InRange(result.Duration, outcome == "timed_out" ? Limit : TimeSpan.Zero, Patience / 2);
        // What nobody reads backs up: what was taken in beyond the limits is no more than what fits between two sockets.
        Assert.InRange(Volatile.Read(ref _sent), 0, 32L * 1024 * 1024);
    }

    /// <summary>The error quotes what came in place of HTTP. A text with zero bytes could not be stored, and the attempt would be made again for ever, uncounted.</summary>
    [Fact]
    public async Task Answer_NoHttpWithZeroBytes_IsToldInAShortTextThatCanBeStored()
    {
        await using var endpoint = new RawEndpoint(connection => WriteAsync(connection, $"\0\u0001 no HTTP \0{new string('x', 2000)}\r\n\r\n"));
        await using var sender = new Sender();
        var result = await sender.SendAsync(endpoint.Url);
        Assert.Equal(AttemptOutcome.InvalidResponse, result.Outcome);
        Assert.Contains("no HTTP", result.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(result.Detail, char.IsControl);
        Assert.InRange(result.Detail.Length, 1, 500);
    }

    /// <summary>A small body that unpacks to a large one is not unpacked, even where it says what it is.</summary>
    [Fact]
    public async Task Answer_GzipBomb_IsReadAsItCame()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            for (var i = 0; i < 160; i++) await gzip.WriteAsync(new byte[64 * 1024]);
        await using var endpoint = new RawEndpoint(async connection =>
        {
            await WriteAsync(connection, $"{Ok}Content-Encoding: gzip\r\nContent-Length: {packed.Length}\r\n\r\n");
            await connection.WriteAsync(packed.ToArray());
        });
        await using var sender = new Sender(options => options.MaxResponseBytes = 16 * 1024);
        Assert.InRange(packed.Length, 1, 16 * 1024);
        var result = await sender.SendAsync(endpoint.Url);
        Assert.Equal((AttemptOutcome.Delivered, 200), (result.Outcome, result.StatusCode));
    }

    /// <summary>The limit goes by the injected clock, and a source that was used before keeps it.</summary>
    [Fact]
    public async Task Timeout_GoesByTheTimeProvider()
    {
        var clock = new ManualTimeProvider();
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.NoContent, ScriptedAnswer.Never, ScriptedAnswer.NoContent);
        await using var sender = new Sender(options => options.Timeout = TimeSpan.FromMinutes(1), services => services.AddSingleton<TimeProvider>(clock));
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync(receiver.Url.ToString())).Outcome);
        var silent = sender.SendAsync(receiver.Url.ToString());
        await receiver.WaitForAsync(2);
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(silent.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        var result = await silent;
        Assert.Equal((AttemptOutcome.TimedOut, TimeSpan.FromMinutes(1), true), (result.Outcome, result.Duration, result.IsConnectionFailure));
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync(receiver.Url.ToString())).Outcome);
    }

    /// <summary>Sources are used again: the time that one attempt took must not be missing in the next.</summary>
    [Fact]
    public async Task Timeout_ManyAttemptsInARow_EachHasTheWholeTime()
    {
        var clock = new ManualTimeProvider();
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ =>
        {
            clock.Advance(TimeSpan.FromSeconds(50));
            return ScriptedAnswer.NoContent;
        });
        await using var sender = new Sender(options => options.Timeout = TimeSpan.FromMinutes(1), services => services.AddSingleton<TimeProvider>(clock));
        for (var i = 0; i < 5; i++)
        {
            var result = await sender.SendAsync(receiver.Url.ToString());
            Assert.Equal((AttemptOutcome.Delivered, TimeSpan.FromSeconds(50)), (result.Outcome, result.Duration));
        }
    }

    [Fact]
    public async Task Attempt_BrokenOffByTheCaller_Throws()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.Never);
        await using var sender = new Sender();
        using var abort = new CancellationTokenSource();
        var silent = sender.SendAsync(receiver.Url.ToString(), abort.Token);
        await receiver.WaitForAsync(1);
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => silent);
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync(receiver.Url.ToString())).Outcome);
    }

    private async Task AnswerAsync(string what, NetworkStream connection)
    {
        switch (what)
        {
            case "accepts, never answers": await Task.Delay(Timeout.Infinite); break;
            case "one byte of headers at a time": await DripAsync(connection, Ok + "X: " + new string('x', 10_000)); break;
            case "status line only": await WriteAsync(connection, Ok); await Task.Delay(Timeout.Infinite); break;
            case "one byte of body at a time": await WriteAsync(connection, Ok + "Content-Length: 10000\r\n\r\n"); await DripAsync(connection, new string('x', 10_000)); break;
            case "chunks of one byte":
                await WriteAsync(connection, Ok + "Transfer-Encoding: chunked\r\n\r\n");
                while (true) { await WriteAsync(connection, "1\r\nx\r\n"); await Task.Delay(20); }
            case "less body than promised": await WriteAsync(connection, Ok + "Content-Length: 1000\r\n\r\nx"); await Task.Delay(Timeout.Infinite); break;
            case "1xx without end": while (true) { await WriteAsync(connection, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"); await Task.Delay(1); }
            case "endless body": await WriteAsync(connection, Ok + "\r\n"); await FloodAsync(connection); break;
            case "endless chunk": await WriteAsync(connection, Ok + "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n"); await FloodAsync(connection); break;
            case "endless chunk extension": await WriteAsync(connection, Ok + "Transfer-Encoding: chunked\r\n\r\n1;x="); await FloodAsync(connection); break;
            case "one huge header": await WriteAsync(connection, Ok + "X: "); await FloodAsync(connection); break;
            case "headers without end": await WriteAsync(connection, Ok); while (true) await WriteAsync(connection, "X-Header: some value or other\r\n");
            case "status line without end": await WriteAsync(connection, "HTTP/1.1 200 "); await FloodAsync(connection); break;
            case "trailers without end":
                await WriteAsync(connection, Ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n");
                while (true) await WriteAsync(connection, "X-Trailer: some value or other\r\n");
            case "closes at once": break;
            case "closes in the body": await WriteAsync(connection, Ok + "Content-Length: 1000\r\n\r\nx"); break;
            default: await WriteAsync(connection, "SSH-2.0-OpenSSH_9.6\r\n\r\n"); break;
        }
    }

    private async Task FloodAsync(NetworkStream connection)
    {
        while (true)
        {
            await connection.WriteAsync(Filling);
            Interlocked.Add(ref _sent, Filling.Length);
        }
    }

    private static async Task DripAsync(NetworkStream connection, string text)
    {
        foreach (var c in text)
        {
            await connection.WriteAsync(new[] { (byte)c });
            await Task.Delay(20);
        }
    }

    private async Task WriteAsync(NetworkStream connection, string text)
    {
        await connection.WriteAsync(Encoding.ASCII.GetBytes(text));
        Interlocked.Add(ref _sent, text.Length);
    }
}

/// <summary>Takes connections, reads the request's beginning, and then does as it likes.</summary>
internal sealed class RawEndpoint : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public RawEndpoint(Func<NetworkStream, Task> answer)
    {
        _listener.Start();
        _accepting = Task.Run(async () =>
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                _ = Task.Run(async () =>
                {
                    await using var connection = new NetworkStream(socket, ownsSocket: true);
                    await connection.ReadAtLeastAsync(new byte[8192], 1, throwOnEndOfStream: false, _stop.Token);
                    await answer(connection).WaitAsync(_stop.Token);
                });
            }
        });
    }

    public string Url => $"http://{_listener.LocalEndpoint}/";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await ((Task)_accepting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
