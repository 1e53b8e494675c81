using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Webhooks.Bench.Setup;
using Webhooks.Signing;

namespace Webhooks.Bench.Receiving;

/// <summary>
/// Signed requests, written out beforehand and sent over kept connections with as little as a client can do, so that the server is what is
/// measured.
/// </summary>
internal static class RequestLoad
{
    /// <summary>The numbers from the first on, as they go on the wire.</summary>
    public static byte[][] Prepare(Uri url, WebhookSecret secret, long first, int count)
    {
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var requests = new byte[count][];
        Parallel.For(0, count, i =>
        {
            var seq = first + i;
            var id = string.Create(CultureInfo.InvariantCulture, $"evt_bench_{seq}");
            var body = Payload.Envelope(id, TargetProgram.Endpoint, seq, i);
            var head = string.Create(CultureInfo.InvariantCulture,
                $"POST {url.AbsolutePath} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/json\r\nwebhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: {WebhookSigner.Sign(id, timestamp, body, [secret])}\r\nContent-Length: {body.Length}\r\n\r\n");
            requests[i] = [.. Encoding.ASCII.GetBytes(head), .. body];
        });
        return requests;
    }

    /// <summary>Sends all of them, so many at once.</summary>
    /// <exception cref="InvalidOperationException">One was answered with another status than this.</exception>
    public static async Task<TimeSpan> SendAsync(Uri url, byte[][] requests, int atOnce, CancellationToken cancel, int status = 204)
    {
        var accepted = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}"));
        var connections = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(url.Host, url.Port, cancel);
            return socket;
        }));
        var next = -1;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(connections.Select(socket => Task.Run(() => SendOnAsync(socket), cancel)));
        var took = Stopwatch.GetElapsedTime(began);
        foreach (var socket in connections) socket.Dispose();
        return took;

        async Task SendOnAsync(Socket socket)
        {
            var answer = new byte[256 * 1024];
            for (int i; (i = Interlocked.Increment(ref next)) < requests.Length;)
            {
                await socket.SendAsync(requests[i], SocketFlags.None, cancel);
                var length = 0;
                while (!IsWhole(answer.AsSpan(0, length)))
                {
                    var read = await socket.ReceiveAsync(answer.AsMemory(length), SocketFlags.None, cancel);
                    if (read == 0) throw new InvalidOperationException("The server closed a connection.");
                    length += read;
                }

                if (!answer.AsSpan().StartsWith(accepted))
                    throw new InvalidOperationException($"The server answered {Encoding.ASCII.GetString(answer, 0, Math.Min(length, 60))}");
            }
        }
    }

    /// <summary>Whether an answer is there with its body.</summary>
    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0) return false;
        var stated = answer[..head].IndexOf("\r\nContent-Length: "u8);
        if (stated < 0) return true;
        return Utf8Parser.TryParse(answer[(stated + 18)..], out int body, out _) && answer.Length >= head + 4 + body;
    }
}
