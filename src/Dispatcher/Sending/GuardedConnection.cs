using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Makes the handler that all attempts go through: it connects only where the policy allows, follows nothing, keeps nothing.</summary>
internal sealed class GuardedConnection(
    AddressPolicy addresses, HostResolver resolver, TlsHandshake tls, TimeProvider time, IOptions<WebhookDispatcherOptions> options)
{
    private SendingOptions Options => options.Value.Sending;

    public SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            // HTTP_PROXY and its kin are for programs that call what they choose; a proxy resolves and connects by its own rules, past the policy.
            UseProxy = false,
            // A customer has no business with the platform's trace ids.
            ActivityHeadersPropagator = null,
            // Names are looked up and judged again by then, so that an endpoint that moved is found.
            PooledConnectionLifetime = Options.ConnectionLifetime,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = 32,
            MaxResponseDrainSize = 0,
        };
        if (Options.Proxy is { } proxy)
        {
            handler.UseProxy = true;
            handler.Proxy = new WebProxy(proxy) { Credentials = Credentials(proxy) };
            // The only address that is connected to is the proxy's, which the operator chose.
            handler.ConnectTimeout = Options.ConnectTimeout;
            handler.SslOptions = tls.ThroughProxy();
        }
        else
        {
            // It bounds its own steps, so that it can say which of them took too long.
            handler.ConnectCallback = ConnectAsync;
        }

        return handler;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var host = context.DnsEndPoint.Host;
        var began = time.GetTimestamp();
        var phases = AttemptPhases.Begin(context.InitialRequestMessage);
        var found = await ResolveAsync(host, cancel);
        phases.Dns = time.GetElapsedTime(began);
        var allowed = Array.FindAll(found, addresses.IsAllowed);
        if (allowed.Length == 0)
        {
            throw new ConnectFailure(AttemptOutcome.AddressRefused,
                $"{host} leads only to addresses outside the public internet ({string.Join(", ", found.Take(4).Select(address => $"{address}: {addresses.Problem(address)}"))}); "
                + "Sending:AllowedNetworks may allow them.");
        }

        // The address that was judged is the one connected to: a second look-up could give another.
        var connection = new NetworkStream(
            await AddressRace.FirstAsync(AddressRace.Order(allowed), ConnectAsync, Left(), time, cancel), ownsSocket: true);
        phases.Connect = time.GetElapsedTime(began) - phases.Dns;
        if (context.InitialRequestMessage.RequestUri?.Scheme != Uri.UriSchemeHttps) return connection;
        try
        {
            var secure = await WithinAsync(token => tls.SecureAsync(connection, host, token), AttemptOutcome.ConnectTimedOut, $"{host} took the connection, and did not answer in TLS", cancel);
            phases.Tls = time.GetElapsedTime(began) - phases.Dns - phases.Connect;
            return secure;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        async Task<Socket> ConnectAsync(IPAddress address, CancellationToken token)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), token);
                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        async Task<IPAddress[]> ResolveAsync(string name, CancellationToken token)
        {
            try
            {
                return await WithinAsync(inTime => resolver.ResolveAsync(name, inTime), AttemptOutcome.DnsFailed, $"No name server gave an address of {name}", token);
            }
            catch (SocketException exception)
            {
                throw new ConnectFailure(AttemptOutcome.DnsFailed, $"{name} has no address: {exception.Message}", exception);
            }
        }

        TimeSpan Left()
        {
            var left = Options.ConnectTimeout - time.GetElapsedTime(began);
            return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
        }

        async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> step, AttemptOutcome late, string what, CancellationToken token)
        {
            using var limit = new CancellationTokenSource(Left(), time);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(token, limit.Token);
            try
            {
                return await step(over.Token);
            }
            catch (OperationCanceledException) when (!token.IsCancellationRequested)
            {
                throw new ConnectFailure(late, $"{what} within {Options.ConnectTimeout.TotalSeconds:0.#} s.");
            }
        }
    }

    private static NetworkCredential? Credentials(Uri proxy) =>
        proxy.UserInfo.Split(':', 2) is [{ Length: > 0 } name, var password] ? new(Uri.UnescapeDataString(name), Uri.UnescapeDataString(password)) : null;
}
