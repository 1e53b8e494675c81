using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Links;

/// <summary>What a link does with connections.</summary>
internal enum LinkState
{
    /// <summary>All passes.</summary>
    Open,

    /// <summary>Nobody listens: connections are refused.</summary>
    Refusing,

    /// <summary>A black hole: connections are taken, and nothing ever comes back.</summary>
    Silent,

    /// <summary>All passes, a few bytes at a time with a wait before each.</summary>
    Slow,

    /// <summary>The request passes; of the answer the first bytes, and then nothing more.</summary>
    Stalling,
}

/// <summary>The way between the platform and one customer, as a port of this machine that goes on to the stub, whoever plays it, and can be spoiled.</summary>
internal sealed class Link : IAsyncDisposable
{
    /// <summary>How many bytes pass at a time while it is slow.</summary>
    public const int Piece = 64;

    /// <summary>How many bytes of an answer pass while it stalls: a status line and no more.</summary>
    public const int BeforeStall = 20;

    private readonly ConcurrentDictionary<Socket, byte> _sockets = [];
    private readonly Func<CancellationToken, Task<Socket>> _onward;
    private readonly TimeSpan _wait;
    private readonly Uri _stub;
    private CancellationTokenSource _changing = new();
    private TcpListener? _listener;
    private int _port;
    private int _taken;

    private Link(Uri stub, TimeSpan wait, Func<CancellationToken, Task<Socket>>? onward)
    {
        (_stub, _wait) = (stub, wait);
        _onward = onward ?? (cancel => ConnectAsync(stub, cancel));
    }

    public LinkState State { get; private set; }

    /// <summary>How many connections it took.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Where the platform is to call, with the path that the stub knows.</summary>
    public Uri Url => new UriBuilder(_stub) { Host = "127.0.0.1", Port = _port }.Uri;

    /// <param name="stub">Where it leads to.</param>
    /// <param name="wait">The wait before each piece while it is slow.</param>
    /// <param name="onward">Makes the connections onward; null for the direct way.</param>
    public static Link Open(Uri stub, TimeSpan wait, Func<CancellationToken, Task<Socket>>? onward = null)
    {
        var link = new Link(stub, wait, onward);
        link.Listen();
        return link;
    }

    /// <summary>From now on connections fare so; those that there are end.</summary>
    public async Task TurnAsync(LinkState state)
    {
        await CutAsync();
        State = state;
        if (state == LinkState.Refusing)
        {
            _listener?.Dispose();
            _listener = null;
        }
        else if (_listener is null) Listen();
    }

    public static async Task<Socket> ConnectAsync(Uri stub, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(stub.IdnHost, stub.Port, cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Carries what comes on a connection to a stub, and back.</summary>
    public static async Task CarryAsync(Socket near, Uri stub)
    {
        using (near)
        {
            try
            {
                using var far = await ConnectAsync(stub, CancellationToken.None);
                var back = CopyAsync(far, near, LinkState.Open, TimeSpan.Zero, isAnswer: true, CancellationToken.None);
                await CopyAsync(near, far, LinkState.Open, TimeSpan.Zero, isAnswer: false, CancellationToken.None);
                await back;
            }
            catch (SocketException)
            {
                // One of the two has ended it.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener?.Dispose();
        await CutAsync();
        _changing.Dispose();
    }

    private async Task CutAsync()
    {
        var ended = Interlocked.Exchange(ref _changing, new CancellationTokenSource());
        await ended.CancelAsync();
        foreach (var socket in _sockets.Keys) socket.Dispose();
    }

    private void Listen()
    {
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

        _ = AcceptAsync(_listener);
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync();
                Interlocked.Increment(ref _taken);
                _ = CarryAsync(socket, State, Volatile.Read(ref _changing).Token);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It refuses, or is at its end.
        }
    }

    private async Task CarryAsync(Socket near, LinkState state, CancellationToken ended)
    {
        _sockets.TryAdd(near, 0);
        Socket? far = null;
        try
        {
            near.NoDelay = true;
            if (state != LinkState.Silent)
            {
                far = await _onward(ended);
                _sockets.TryAdd(far, 0);
            }

            var back = far is null ? Task.CompletedTask : CopyAsync(far, near, state, _wait, isAnswer: true, ended);
            var forth = CopyAsync(near, far, state, _wait, isAnswer: false, ended);
            // What breaks on either side breaks both at once.
            await await Task.WhenAny(back, forth);
            await Task.WhenAll(back, forth);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // A reset is passed on as what it is, and not as an orderly end.
            foreach (var socket in new[] { near, far })
                if (socket is { Connected: true }) socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One of the two has ended it, or the link has changed.
        }
        finally
        {
            foreach (var socket in new[] { near, far })
            {
                if (socket is null) continue;
                _sockets.TryRemove(socket, out _);
                socket.Dispose();
            }
        }
    }

    private static async Task CopyAsync(Socket from, Socket? to, LinkState state, TimeSpan wait, bool isAnswer, CancellationToken ended)
    {
        var buffer = new byte[state == LinkState.Slow ? Piece : 64 * 1024];
        var passed = 0;
        while (await from.ReceiveAsync(buffer, ended) is var read and > 0)
        {
            if (to is null) continue;
            if (state == LinkState.Slow) await Task.Delay(wait, ended);
            var let = state == LinkState.Stalling && isAnswer ? Math.Min(read, BeforeStall - passed) : read;
            for (var sent = 0; sent < let;) sent += await to.SendAsync(buffer.AsMemory(sent, let - sent), ended);
            passed += let;
        }

        to?.Shutdown(SocketShutdown.Send);
    }
}
