using System.Globalization;
using System.Text;

namespace Webhooks.Conformance.Wire;

/// <summary>A request as it goes on the wire, byte for byte: an HTTP client would mend what is to be sent broken.</summary>
internal sealed record WireRequest
{
    public string Method { get; init; } = "POST";

    /// <summary>In this order; a name may come more than once.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Whether the body comes in chunks, without a stated length.</summary>
    public bool IsChunked { get; init; }

    /// <summary>The request line and the headers. Latin-1, so that a header can hold any byte.</summary>
    public byte[] Head(Uri url)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"{Method} {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\nConnection: close\r\n");
        foreach (var (name, value) in Headers) head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (IsChunked) head.Append("Transfer-Encoding: chunked\r\n");
        else if (Method != "GET") head.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n");
        return Encoding.Latin1.GetBytes(head.Append("\r\n").ToString());
    }

    /// <summary>One chunk as it goes on the wire.</summary>
    public static byte[] Chunk(ReadOnlySpan<byte> bytes) =>
        [.. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes, .. "\r\n"u8];
}
