using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs.Scripted;

/// <summary>One connection: requests are read, written down and answered as the script has it, one after the other.</summary>
/// <param name="socket">The connection.</param>
/// <param name="stream">What is read and written, in TLS or not.</param>
/// <param name="take">Writes a request down and says what it gets.</param>
/// <param name="receiver">Where requests are passed on to.</param>
internal sealed class Conversation(Socket socket, Stream stream, Func<Func<long, CapturedRequest>, Answer> take, Func<Uri?> receiver)
{
    private static readonly HttpClient Onward = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ActivityHeadersPropagator = null });
    private static readonly byte[] NoChunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nthis is no chunk"u8.ToArray();

    public async Task RunAsync(CancellationToken stop)
    {
        using var reader = new RequestReader(stream);
        while (await reader.ReadHeadAsync(stop) is { } head)
        {
            var at = DateTimeOffset.UtcNow;
            var body = await reader.ReadBodyAsync(head, stop);
            var request = default(CapturedRequest);
            var answer = take(number => request = new CapturedRequest(number, head.Method, head.Target, head.Headers, body, at));
            await Task.Delay(answer.Delay, stop);
            if (!await SendAsync(answer, request!, stop)) return;
        }
    }

    /// <returns>Whether the connection takes another request.</returns>
    private async Task<bool> SendAsync(Answer answer, CapturedRequest request, CancellationToken stop)
    {
        if (answer.Bytes is { } bytes) return await SendAsync(bytes, stop);
        if (answer.IsForwarded) answer = await AskReceiverAsync(request, stop);
        switch (answer.Fault)
        {
            case Fault.EmptyReply:
                socket.Shutdown(SocketShutdown.Both);
                return false;
            case Fault.Reset:
                return Reset();
            case Fault.MalformedChunk:
                await stream.WriteAsync(NoChunk, stop);
                return false;
            case Fault.RandomBytes:
                // Zero bytes among them for certain: what quotes them may find them hard to store.
                await stream.WriteAsync((byte[])[0, 1, 0, .. RandomNumberGenerator.GetBytes(256), 0, (byte)'\r', (byte)'\n'], stop);
                return false;
        }

        var head = new StringBuilder(FormattableString.Invariant($"HTTP/1.1 {answer.Status} Scripted\r\n"));
        foreach (var (name, value) in answer.Headers) head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (answer.Status is not (204 or 304 or < 200)) head.Append(CultureInfo.InvariantCulture, $"Content-Length: {answer.Body.Length}\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), stop);
        if (answer.Status is 204 or 304 or < 200) return answer.Status >= 200;
        if (answer.Pieces == 0)
        {
            await stream.WriteAsync(answer.Body, stop);
            return true;
        }

        foreach (var piece in answer.Body.Chunk(Math.Max(1, answer.Body.Length / answer.Pieces)))
        {
            await stream.WriteAsync(piece, stop);
            await Task.Delay(answer.DribbledOver / answer.Pieces, stop);
        }

        return true;
    }

    private async Task<bool> SendAsync(Bytes bytes, CancellationToken stop)
    {
        foreach (var (piece, then) in bytes.Pieces)
        {
            await stream.WriteAsync(piece, stop);
            await stream.FlushAsync(stop);
            await Task.Delay(then, stop);
        }

        switch (bytes.Ending)
        {
            case Ending.Resets:
                return Reset();
            case Ending.Hangs:
                await Task.Delay(Timeout.InfiniteTimeSpan, stop);
                return false;
            case Ending.Repeats:
                while (true)
                {
                    await stream.WriteAsync(bytes.Pieces[^1].Piece, stop);
                    await Task.Delay(bytes.Pieces[^1].Then, stop);
                }

            default:
                return bytes.Ending == Ending.Stays;
        }
    }

    private bool Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
        return false;
    }

    private async Task<Answer> AskReceiverAsync(CapturedRequest request, CancellationToken stop)
    {
        using var onward = new HttpRequestMessage(HttpMethod.Parse(request.Method), receiver()) { Content = new ReadOnlyMemoryContent(request.Body) };
        foreach (var (name, values) in request.Headers)
        {
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase) || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)) continue;
            if (!onward.Headers.TryAddWithoutValidation(name, values)) onward.Content.Headers.TryAddWithoutValidation(name, values);
        }

        try
        {
            using var answer = await Onward.SendAsync(onward, stop);
            return Answer.Of((int)answer.StatusCode) with
            {
                Body = await answer.Content.ReadAsByteArrayAsync(stop),
                Headers = [.. answer.Headers.Where(header => header.Key is "Retry-After").Select(header => (header.Key, string.Join(',', header.Value)))],
            };
        }
        catch (HttpRequestException)
        {
            // What a load balancer says when there is nobody behind it.
            return Answer.Of(502, "no receiver");
        }
    }
}
