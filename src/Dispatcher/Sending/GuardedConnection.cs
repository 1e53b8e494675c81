using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Makes the handler that all attempts go through: it connects only where the policy allows, follows nothing, keeps nothing.</summary>
internal sealed class GuardedConnection(AddressPolicy addresses, IOptions<WebhookDispatcherOptions> options)
{
    public SocketsHttpHandler CreateHandler() => new()
    {
        ConnectCallback = ConnectAsync,
        ConnectTimeout = options.Value.Sending.ConnectTimeout,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        // A proxy would resolve and connect by its own rules, past the policy.
        UseProxy = false,
        // A customer has no business with the platform's trace ids.
        ActivityHeadersPropagator = null,
        // Names are looked up again by then, so that an endpoint that moved is found.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var host = context.DnsEndPoint.Host;
        var found = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancel);
        var allowed = Array.FindAll(found, addresses.IsAllowed);
        if (allowed.Length == 0)
        {
            throw new AddressRefusedException(
                $"{host} resolves only to addresses outside the public internet ({string.Join(", ", found.Take(4).AsEnumerable())}); Sending:AllowedNetworks may allow them.");
        }

        Exception? last = null;
        foreach (var address in allowed)
        {
            // The address that was judged is the one connected to: a second look-up could give another.
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception exception)
            {
                socket.Dispose();
                if (exception is OperationCanceledException) throw;
                last = exception;
            }
        }

        throw last!;
    }
}
