using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Slow;

/// <summary>What the slow senders do.</summary>
/// <param name="Port">Where the receiver is, on 127.0.0.1.</param>
/// <param name="Senders">How many there are.</param>
/// <param name="LargeEvery">Each of so many has sent a hundred kilobytes before it slows down; the others four.</param>
internal sealed record SendersPlan(int Port, int Senders, int LargeEvery)
{
    public IEnumerable<string> Arguments => new[] { Port, Senders, LargeEvery }.Select(number => number.ToString(CultureInfo.InvariantCulture));

    public static SendersPlan Parse(string[] arguments)
    {
        var numbers = arguments.Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return new SendersPlan(numbers[0], numbers[1], numbers[2]);
    }
}

/// <summary>Senders that state a mebibyte, send the beginning, and then a byte now and then.</summary>
internal static class SendersProgram
{
    public const string Name = "senders";
    private const int Stated = 1024 * 1024, Much = 100_000, Little = 4_000;
    private const int AtOnce = 100;

    /// <summary>Between two bytes of one sender.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(SendersPlan plan)
    {
        var head = Encoding.ASCII.GetBytes(
            $"POST {ReceiverProgram.Path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Stated}\r\n"
            + $"{WebhookHeaders.Id}: evt_slow\r\n{WebhookHeaders.Timestamp}: {DateTimeOffset.UtcNow.ToUnixTimeSeconds()}\r\n{WebhookHeaders.Signature}: v1,{Convert.ToBase64String(new byte[32])}\r\n\r\n");
        var sockets = new Socket[plan.Senders];
        for (var i = 0; i < sockets.Length; i += AtOnce)
            await Task.WhenAll(Enumerable.Range(i, Math.Min(AtOnce, sockets.Length - i)).Select(async at => sockets[at] = await BeginAsync(plan, head, at)));
        Console.WriteLine(ChildProcess.Ready);

        using var stop = new CancellationTokenSource();
        var trickling = TrickleAsync(sockets, stop.Token);
        while (await Console.In.ReadLineAsync() is { } line && line != "stop") { }
        await stop.CancelAsync();
        await trickling;
        Console.WriteLine(Count(sockets));
        return 0;
    }

    private static async Task<Socket> BeginAsync(SendersPlan plan, byte[] head, int number)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, plan.Port);
        byte[] begin = [.. head, .. new byte[number % plan.LargeEvery == 0 ? Much : Little]];
        try
        {
            await socket.SendAsync(begin);
        }
        catch (SocketException)
        {
            // It was sent away while it still sent; counted at the end.
        }

        return socket;
    }

    private static async Task TrickleAsync(Socket[] sockets, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Pace * AtOnce / Math.Max(AtOnce, sockets.Length));
        try
        {
            for (var at = 0; await timer.WaitForNextTickAsync(stop); at = (at + AtOnce) % sockets.Length)
            {
                foreach (var socket in sockets.Skip(at).Take(AtOnce))
                {
                    try
                    {
                        if (socket.Available == 0) await socket.SendAsync(new byte[1], stop);
                    }
                    catch (SocketException)
                    {
                        // Counted at the end.
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }

    /// <summary>How many still wait for an answer, and how many were given one.</summary>
    private static string Count(Socket[] sockets)
    {
        var (held, refused, other) = (0, 0, 0);
        var answer = new byte[12];
        foreach (var socket in sockets)
        {
            socket.Blocking = false;
            try
            {
                var read = socket.Receive(answer);
                if (read == answer.Length && Encoding.ASCII.GetString(answer) == "HTTP/1.1 503") refused++;
                else other++;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                held++;
            }
            catch (SocketException)
            {
                other++;
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"counted {held} {refused} {other}");
    }
}
