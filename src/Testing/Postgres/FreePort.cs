using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Webhooks.Testing;

/// <summary>
/// Free ports below the range from which systems take the local ports of outgoing connections. A port out of that range could be taken by any
/// client while its server is stopped; a client that keeps calling the stopped server could even connect to itself. And a port that was given out is
/// this process's until it ends: nobody else is given it, also in another process, while whoever listens there is killed and started again.
/// </summary>
internal static class FreePort
{
    private const int First = 15_000, Last = 32_000;

    private static readonly ConcurrentDictionary<int, FileStream?> Given = new();

    // Locks of files, since those end with their process however it ends.
    private static readonly string Claims = Path.Combine(Path.GetTempPath(), "webhooks-ports");

    static FreePort() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var claim in Given.Values) claim?.Dispose();
    };

    public static int Next()
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last);
            if (Given.ContainsKey(port) || !TryClaim(port, out var claim)) continue;
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                if (Given.TryAdd(port, claim)) return port;
            }
            catch (SocketException)
            {
                // Taken, or reserved: try another one.
            }

            claim?.Dispose();
        }

        throw new IOException($"No free TCP port between {First} and {Last} was found on 127.0.0.1.");
    }

    /// <summary>False when another process has it. Where there is no place for claims, any port may be tried.</summary>
    private static bool TryClaim(int port, out FileStream? claim)
    {
        claim = null;
        var path = Path.Combine(Claims, $"{port}");
        try
        {
            Directory.CreateDirectory(Claims);
            claim = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e is UnauthorizedAccessException || !File.Exists(path);
        }
    }
}
