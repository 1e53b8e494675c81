using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Sending;

/// <summary>
/// Which addresses may be called: public ones, and those in the operator's allow-list. Judged after DNS, for the address
/// that is connected to (promise 13).
/// </summary>
internal sealed class AddressPolicy(IOptions<WebhookDispatcherOptions> options)
{
    // IANA special-purpose registries for IPv4 and IPv6; whatever is not globally reachable, and multicast.
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            // Not in the registry: the address at which Azure serves its machines their metadata.
            "168.63.129.16/32",
        }.Select(network => IPNetwork.Parse(network)),
    ];

    // IPv6: only 2000::/3 is given out for global use, and these parts of it are not.
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] NotGlobal =
    [
        .. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20" }.Select(network => IPNetwork.Parse(network)),
    ];

    private readonly IPNetwork[] _allowed = [.. options.Value.Sending.AllowedNetworks.Select(network => IPNetwork.Parse(network))];

    public bool IsAllowed(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return IsPublic(address) || Array.Exists(_allowed, network => network.Contains(address));
    }

    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? !Array.Exists(Special, network => network.Contains(address))
            : address.AddressFamily == AddressFamily.InterNetworkV6
                && address.ScopeId == 0
                && Global.Contains(address)
                && !Array.Exists(NotGlobal, network => network.Contains(address));
    }
}

/// <summary>Every address that a name stands for is refused by the <see cref="AddressPolicy"/>.</summary>
internal sealed class AddressRefusedException(string message) : Exception(message);
