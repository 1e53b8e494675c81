using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs.Scripted;

/// <summary>A listening socket, and a conversation for each connection to it.</summary>
internal sealed class ScriptedStub(StubOpening opening) : IStub
{
    private readonly Lock _gate = new();
    private readonly List<StubRequest> _journal = [];
    private readonly ConcurrentDictionary<Socket, byte> _connections = [];
    private (TlsOffer Offer, X509Certificate2 Certificate)? _tls = opening.Tls is { } first ? (first, first.Certificate()) : null;
    private Script _script = opening.Script;
    private int _played;
    private Uri? _receiver;
    private TcpListener? _listener;
    private CancellationTokenSource _stopping = new();
    private int _port;

    public Uri Url => new(opening.Tls is { } tls ? $"https://{tls.Host}:{_port}/" : $"http://127.0.0.1:{_port}/");

    public Task PlayAsync(Script script, CancellationToken cancel)
    {
        lock (_gate) (_script, _played) = (script, 0);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<StubRequest>> JournalAsync(CancellationToken cancel)
    {
        lock (_gate) return Task.FromResult<IReadOnlyList<StubRequest>>([.. _journal]);
    }

    public Task ForwardToAsync(Uri receiver, CancellationToken cancel)
    {
        _receiver = receiver;
        return Task.CompletedTask;
    }

    public void Show(TlsOffer tls)
    {
        var former = _tls?.Certificate;
        _tls = (tls, tls.Certificate());
        former?.Dispose();
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        _listener?.Dispose();
        _listener = null;
        foreach (var connection in _connections.Keys) connection.Dispose();
    }

    public Task StartAgainAsync()
    {
        if (_listener is not null) return Task.CompletedTask;
        _stopping = new CancellationTokenSource();
        for (var attempt = 1; _listener is null; attempt++)
        {
            var listener = new TcpListener(IPAddress.Loopback, _port == 0 ? FreePort.Next() : _port);
            try
            {
                listener.Start(1000);
                (_listener, _port) = (listener, ((IPEndPoint)listener.LocalEndpoint).Port);
            }
            // Somebody else was faster.
            catch (SocketException) when (attempt < 8)
            {
                listener.Dispose();
            }
        }

        _ = AcceptAsync(_listener, _stopping.Token);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _tls?.Certificate.Dispose();
    }

    private async Task AcceptAsync(TcpListener listener, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptSocketAsync(stop), stop);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken stop)
    {
        _connections.TryAdd(socket, 0);
        socket.NoDelay = true;
        try
        {
            Stream stream = new NetworkStream(socket, ownsSocket: false);
            if (_tls is var (tls, certificate))
            {
                var secure = new SslStream(stream);
                await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificate = certificate, EnabledSslProtocols = tls.Protocols, ApplicationProtocols = tls.Alpn.Count > 0 ? [.. tls.Alpn] : null,
                }, stop);
                stream = secure;
            }

            await new Conversation(socket, stream, Take, () => _receiver).RunAsync(stop);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or SocketException
            or System.Security.Authentication.AuthenticationException or InvalidDataException or HttpRequestException)
        {
            // The other side went away or spoke something else, or the stub ends.
        }
        finally
        {
            _connections.TryRemove(socket, out _);
            socket.Dispose();
        }
    }

    /// <summary>Writes a request down and says what it gets.</summary>
    private Answer Take(Func<long, CapturedRequest> capture)
    {
        lock (_gate)
        {
            var answer = _script.At(_played++);
            _journal.Add(new StubRequest(capture(_journal.Count + 1), answer.Words));
            return answer;
        }
    }
}
