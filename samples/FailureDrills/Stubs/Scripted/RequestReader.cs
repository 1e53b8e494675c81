using System.Buffers;
using System.Globalization;
using System.Text;

namespace Webhooks.FailureDrills.Stubs.Scripted;

/// <summary>The first lines of a request.</summary>
internal sealed record RequestHead(string Method, string Target, IReadOnlyDictionary<string, IReadOnlyList<string>> Headers);

/// <summary>Reads HTTP/1.1 requests off a connection, one after the other.</summary>
internal sealed class RequestReader(Stream stream) : IDisposable
{
    private const int MostHead = 64 * 1024;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(MostHead);
    private int _filled;

    /// <returns>Null when the other side has closed.</returns>
    public async Task<RequestHead?> ReadHeadAsync(CancellationToken cancel)
    {
        int end;
        while ((end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (_filled == _buffer.Length) throw new InvalidDataException("The head of a request is too long.");
            var read = await stream.ReadAsync(_buffer.AsMemory(_filled), cancel);
            if (read == 0) return null;
            _filled += read;
        }

        var lines = Encoding.Latin1.GetString(_buffer, 0, end).Split("\r\n");
        Consume(end + 4);
        if (lines[0].Split(' ') is not [var method, var target, _]) throw new InvalidDataException("That is no request line.");
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0].Trim(), pair => pair[1].Trim(), StringComparer.OrdinalIgnoreCase)
            .ToDictionary(same => same.Key, same => (IReadOnlyList<string>)[.. same], StringComparer.OrdinalIgnoreCase);
        return new RequestHead(method, target, headers);
    }

    public async Task<byte[]> ReadBodyAsync(RequestHead head, CancellationToken cancel)
    {
        var length = head.Headers.TryGetValue("Content-Length", out var values) ? int.Parse(values[0], CultureInfo.InvariantCulture) : 0;
        var body = new byte[length];
        var had = Math.Min(length, _filled);
        _buffer.AsSpan(0, had).CopyTo(body);
        Consume(had);
        await stream.ReadExactlyAsync(body.AsMemory(had), cancel);
        return body;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));

    private void Consume(int count)
    {
        _buffer.AsSpan(count, _filled - count).CopyTo(_buffer);
        _filled -= count;
    }
}
