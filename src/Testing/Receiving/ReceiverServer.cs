using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Webhooks.Testing;

/// <summary>
/// Kestrel and nothing around it: a host would read configuration, write logs and take over the process's signals.
/// </summary>
internal sealed class ReceiverServer(Func<HttpContext, CancellationToken, Task> answer) : IHttpApplication<HttpContext>, IDisposable
{
    private const int PortAttempts = 8;

    private readonly CancellationTokenSource _stopping = new();
    private KestrelServer? _kestrel;

    /// <summary>Starts one on a free port.</summary>
    public static async Task<(ReceiverServer Server, int Port)> StartAnywhereAsync(Func<HttpContext, CancellationToken, Task> answer, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (server, port) = (new ReceiverServer(answer), FreePort.Next());
            try
            {
                await server.StartAsync(port, ct);
                return (server, port);
            }
            // Somebody else was faster.
            catch (IOException) when (attempt < PortAttempts)
            {
                server.Dispose();
            }
        }
    }

    public async Task StartAsync(int port, CancellationToken ct)
    {
        var options = new KestrelServerOptions { AddServerHeader = false, ApplicationServices = NoServices.Instance };
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
        _kestrel = new KestrelServer(
            Options.Create(options),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance);
        await _kestrel.StartAsync(this, ct);
    }

    /// <summary>Closes the port and aborts what is under way, as a crash would.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        if (_kestrel is not null) await _kestrel.StopAsync(new CancellationToken(canceled: true));
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public async Task ProcessRequestAsync(HttpContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        try
        {
            await answer(context, ending.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client went away, or this server is ending.
            context.Abort();
        }
    }

    public void DisposeContext(HttpContext context, Exception? exception) { }

    /// <summary>The token source is left to the collector: an aborted request may still come by for its token.</summary>
    public void Dispose() => _kestrel?.Dispose();

    private sealed class NoServices : IServiceProvider
    {
        public static readonly NoServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }
}
