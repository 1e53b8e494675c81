using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>
/// A line to a database that can be cut, which for all others is as if the process at its end had been killed: no more word from it, and nothing that it began is ended.
/// </summary>
internal sealed class CutLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _ends = [];
    private readonly CancellationTokenSource _cut = new();
    private readonly Task _accepting;

    public CutLine(string host, int port)
    {
        _listener.Start();
        _accepting = AcceptAsync(host, port);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Cut()
    {
        _cut.Cancel();
        _listener.Stop();
        foreach (var end in _ends) end.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _accepting;
        _cut.Dispose();
    }

    private async Task AcceptAsync(string host, int port)
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_cut.Token);
                var far = new TcpClient { NoDelay = true };
                near.NoDelay = true;
                _ends.Add(near);
                _ends.Add(far);
                await far.ConnectAsync(host, port, _cut.Token);
                _ = CopyAsync(near, far);
                _ = CopyAsync(far, near);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private static async Task CopyAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream());
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // One of them has gone, and takes the other with it.
        }

        from.Dispose();
        to.Dispose();
    }
}
