using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Links;

/// <summary>
/// A network of one machine, in a namespace of its own, whose packets are real and pass through this program: each waits, and every so-manieth is lost. TCP
/// above it is the kernel's, with all its repeats and time-outs. Only Linux has it, and only for whoever may make namespaces; elsewhere it is not supported.
/// </summary>
/// <remarks>
/// What is sent to the far address is given back with its two addresses exchanged, so that it arrives from there at the near one; the checksums stay right, for
/// they are sums. So a listener on the near address is reached by calling the far one, and every packet in both directions has passed here.
/// </remarks>
internal sealed class PacketNetwork : IAsyncDisposable
{
    private const int Port = 4040;
    private const int AddressesAt = 12;
    private const int LongestPacket = 2000;

    private static readonly IPAddress Near = IPAddress.Parse("10.99.0.1"), Far = IPAddress.Parse("10.99.0.2");

    private readonly BlockingCollection<Action> _inside = [];
    private readonly Channel<(byte[] Packet, long Due)> _underWay = Channel.CreateUnbounded<(byte[], long)>();
    private readonly TimeSpan _delay;
    private readonly int _everyLost;
    private readonly Thread _thread;
    private volatile bool _ended;
    private TunDevice? _device;
    private TcpListener? _listener;
    private Task _carrying = Task.CompletedTask;
    private int _lost;

    private PacketNetwork(TimeSpan delay, int everyLost)
    {
        (_delay, _everyLost) = (delay, everyLost);
        // A namespace is a thread's: what this one makes lies inside, and can be used by all.
        _thread = new Thread(() =>
        {
            foreach (var work in _inside.GetConsumingEnumerable()) work();
        }) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>How many packets it lost.</summary>
    public int Lost => Volatile.Read(ref _lost);

    /// <param name="delay">How long each packet is under way.</param>
    /// <param name="everyLost">How many packets there are to one that is lost.</param>
    /// <param name="stub">Where what arrives goes on to, by the machine's own network.</param>
    /// <exception cref="NotSupportedByDriverException">This machine, or this user, cannot have it.</exception>
    public static async Task<PacketNetwork> StartAsync(TimeSpan delay, int everyLost, Uri stub)
    {
        if (!OperatingSystem.IsLinux()) throw new NotSupportedByDriverException("only Linux has network namespaces");
        var network = new PacketNetwork(delay, everyLost);
        try
        {
            await network.InsideAsync(() =>
            {
                network._device = TunDevice.OpenInNewNamespace(Near);
                network._listener = new TcpListener(Near, Port);
                network._listener.Start();
                return true;
            });
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }

        network._carrying = Task.WhenAll(Task.Factory.StartNew(network.Read, TaskCreationOptions.LongRunning), network.WriteAsync(), network.AcceptAsync(stub));
        return network;
    }

    /// <summary>A connection over it.</summary>
    public async Task<Socket> ConnectAsync(CancellationToken cancel)
    {
        var socket = await InsideAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        await socket.ConnectAsync(new IPEndPoint(Far, Port), cancel);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        _ended = true;
        _listener?.Dispose();
        _underWay.Writer.TryComplete();
        await _carrying;
        _inside.CompleteAdding();
        _device?.Dispose();
    }

    private Task<T> InsideAsync<T>(Func<T> make)
    {
        var made = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _inside.Add(() =>
        {
            try
            {
                made.SetResult(make());
            }
            catch (Exception e)
            {
                made.SetException(e);
            }
        });
        return made.Task;
    }

    private void Read()
    {
        var buffer = new byte[LongestPacket];
        for (var number = 0; !_ended;)
        {
            if (!_device!.WaitToRead(TimeSpan.FromMilliseconds(50)) || _device.Read(buffer) is not (> 20 and var length) || buffer[0] >> 4 != 4) continue;
            if (++number % _everyLost == 0)
            {
                Interlocked.Increment(ref _lost);
                continue;
            }

            var packet = buffer[..length];
            buffer.AsSpan(AddressesAt, 4).CopyTo(packet.AsSpan(AddressesAt + 4));
            buffer.AsSpan(AddressesAt + 4, 4).CopyTo(packet.AsSpan(AddressesAt));
            _underWay.Writer.TryWrite((packet, TimeProvider.System.GetTimestamp()));
        }
    }

    private async Task WriteAsync()
    {
        await foreach (var (packet, sent) in _underWay.Reader.ReadAllAsync())
        {
            if (_delay - TimeProvider.System.GetElapsedTime(sent) is var left && left > TimeSpan.Zero && !_ended) await Task.Delay(left);
            _device!.Write(packet);
        }
    }

    private async Task AcceptAsync(Uri stub)
    {
        try
        {
            while (true) _ = Link.CarryAsync(await _listener!.AcceptSocketAsync(), stub);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is at its end.
        }
    }
}
