using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.FailureDrills.Staging;

/// <summary>A machine's way out, which can be cut: every name leads to this machine, or, while it is cut, none leads anywhere.</summary>
internal sealed class CutNetwork
{
    private volatile bool _isCut = true;

    /// <summary>Whether it is; at first it is.</summary>
    public bool IsCut
    {
        get => _isCut;
        set => _isCut = value;
    }

    public static void AddTo(IServiceCollection services)
    {
        var network = new CutNetwork();
        services.AddSingleton(network);
        services.AddSingleton<LookUp>(_ => network._isCut ? throw new SocketException((int)SocketError.TryAgain) : [IPAddress.Loopback]);
    }
}
