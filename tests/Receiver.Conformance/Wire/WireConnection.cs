using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Webhooks.Conformance.Wire;

/// <summary>One connection for one request, written in pieces as a case wants it.</summary>
internal sealed class WireConnection : IAsyncDisposable
{
    private const int MaxHead = 64 * 1024;

    private readonly TcpClient _client;
    private readonly Stream _stream;
    private readonly Uri _url;

    private WireConnection(TcpClient client, Stream stream, Uri url) => (_client, _stream, _url) = (client, stream, url);

    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<WireConnection> OpenAsync(Uri url, CancellationToken cancel)
    {
        var client = new TcpClient { NoDelay = true };
        try
        {
            await client.ConnectAsync(url.DnsSafeHost, url.Port, cancel);
            Stream stream = client.GetStream();
            if (url.Scheme == Uri.UriSchemeHttps)
            {
                var tls = new SslStream(stream);
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = url.DnsSafeHost }, cancel);
                stream = tls;
            }

            return new WireConnection(client, stream, url);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public async Task WriteHeadAsync(WireRequest request, CancellationToken cancel) => await WriteAsync(request.Head(_url), cancel);

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        await _stream.WriteAsync(bytes, cancel);
        await _stream.FlushAsync(cancel);
    }

    /// <summary>Writes all of a request.</summary>
    public async Task WriteAsync(WireRequest request, CancellationToken cancel)
    {
        await WriteHeadAsync(request, cancel);
        if (request.IsChunked)
        {
            if (!request.Body.IsEmpty) await WriteAsync(WireRequest.Chunk(request.Body.Span), cancel);
            await WriteAsync("0\r\n\r\n"u8.ToArray(), cancel);
        }
        else if (!request.Body.IsEmpty) await WriteAsync(request.Body, cancel);
    }

    /// <summary>Reads the status and the headers; what an answer says beyond them, a sender does not look at.</summary>
    public async Task<WireAnswer> ReadAnswerAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                var head = await ReadHeadAsync(cancel);
                if (head is null) return WireAnswer.None("the connection was closed");
                var lines = head.Split("\r\n");
                var parts = lines[0].Split(' ');
                if (parts.Length < 2 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
                    return WireAnswer.None($"no HTTP: {lines[0]}");
                // An interim answer, such as 100, is none.
                if (status >= 200) return new WireAnswer(status, null, RetryAfter(lines));
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return WireAnswer.None("the connection was reset");
        }
    }

    private static TimeSpan? RetryAfter(string[] lines) =>
        lines.FirstOrDefault(line => line.StartsWith("Retry-After:", StringComparison.OrdinalIgnoreCase)) is { } line
        && int.TryParse(line["Retry-After:".Length..], CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>Byte by byte, so that nothing of a following answer is taken; heads are small.</summary>
    private async Task<string?> ReadHeadAsync(CancellationToken cancel)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < MaxHead)
        {
            if (await _stream.ReadAsync(one, cancel) == 0) return null;
            head.Add(one[0]);
            if (one[0] == '\n' && head.Count >= 4 && head[^2] == '\r' && head[^3] == '\n') return Encoding.Latin1.GetString([.. head]);
        }

        return null;
    }

    /// <summary>Ends it at once, with a reset, as a sender does that has died.</summary>
    public void Reset()
    {
        _client.LingerState = new LingerOption(true, 0);
        _client.Close();
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _client.Dispose();
    }
}
