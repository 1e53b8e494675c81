using System.Net;
using System.Net.Sockets;
using Webhooks.FailureDrills.Stubs;

namespace Webhooks.FailureDrills.Links;

/// <summary>
/// A stub on another machine, called over a port of this one: a dispatcher is not allowed to call private addresses, which is where such a machine mostly is,
/// and what drills do to names and ways they do to this machine's.
/// </summary>
internal sealed class NearStub : IStub
{
    private readonly IStub _far;
    private readonly Link _link;

    private NearStub(IStub far) => (_far, _link) = (far, Link.Open(far.Url, TimeSpan.Zero));

    public Uri Url => _link.Url;

    /// <summary>The stub itself where it is on this machine, or has a certificate for its own name.</summary>
    public static IStub Of(IStub stub) => IsHere(stub.Url) || stub.Url.Scheme != Uri.UriSchemeHttp ? stub : new NearStub(stub);

    /// <summary>The address of this machine under which a server sees it: where a stub there can pass requests on to.</summary>
    public static IPAddress SeenFrom(Uri server)
    {
        if (IsHere(server)) return IPAddress.Loopback;
        // No packet is sent by this: only the way is looked up.
        using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(server.IdnHost, server.Port);
        var address = ((IPEndPoint)socket.LocalEndPoint!).Address;
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    public Task PlayAsync(Script script, CancellationToken cancel) => _far.PlayAsync(script, cancel);

    public Task<IReadOnlyList<StubRequest>> JournalAsync(CancellationToken cancel) => _far.JournalAsync(cancel);

    public Task ForwardToAsync(Uri receiver, CancellationToken cancel) => _far.ForwardToAsync(receiver, cancel);

    public void Show(TlsOffer tls) => _far.Show(tls);

    public Task StopAsync() => _far.StopAsync();

    public Task StartAgainAsync() => _far.StartAgainAsync();

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        await _far.DisposeAsync();
    }

    private static bool IsHere(Uri url) =>
        url.Host == "localhost" || (url.HostNameType == UriHostNameType.IPv4 && IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address));
}
