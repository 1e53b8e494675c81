using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Webhooks.Testing;

/// <summary>
/// Free ports below the range from which systems take the local ports of outgoing connections. A port out of that range could be taken by any
/// client while its server is stopped; a client that keeps calling the stopped server could even connect to itself.
/// </summary>
internal static class FreePort
{
    private const int First = 15_000, Last = 32_000;

    public static int Next()
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken, or reserved: try another one.
            }
        }

        throw new IOException($"No free TCP port between {First} and {Last} was found on 127.0.0.1.");
    }
}
