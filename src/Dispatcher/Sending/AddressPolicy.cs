using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Sending;

/// <summary>
/// Which addresses may be called: public ones, and those in the operator's allow-list. Judged after DNS, for the address
/// that is connected to (promise 13). An address that carries an IPv4 address inside must pass with both.
/// </summary>
internal sealed class AddressPolicy(IOptions<WebhookDispatcherOptions> options)
{
    private readonly IPNetwork[] _allowed = [.. options.Value.Sending.AllowedNetworks.Select(text => TryParse(text, out var network, out _) ? network : default)];

    public bool IsAllowed(IPAddress address) => Problem(address) is null;

    /// <summary>What kind of address it is that may not be called; null when it may.</summary>
    public string? Problem(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (SpecialNetworks.NameOf(address) is { } name && !IsListed(address)) return name;
        foreach (var inside in SpecialNetworks.EmbeddedIn(address))
            if (Problem(inside) is { } problem) return $"{problem}, as {inside} inside";
        return null;
    }

    private bool IsListed(IPAddress address) =>
        Array.Exists(_allowed, network => network.Contains(address)
            && (SpecialNetworks.EmbeddedIn(address, network) is not { } inside || Problem(inside) is null));

    /// <summary>Reads an entry of the allow-list. IPv4 written as IPv6 becomes IPv4; what would not mean what it says is refused.</summary>
    public static bool TryParse(string? text, out IPNetwork network, out string problem)
    {
        problem = "is not";
        if (!IPNetwork.TryParse(text, out network)) return false;
        // Older spellings fill in the numbers that are missing, and not at the end.
        if (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork && text!.Count(c => c == '.') != 3)
        {
            problem = "must have all four numbers";
            return false;
        }

        if (!IPAddress.TryParse(text.AsSpan(0, text!.IndexOf('/')), out var written) || !written.Equals(network.BaseAddress))
        {
            problem = $"has bits set beyond its prefix: write {network}, or the length that is meant";
            return false;
        }

        if (network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= 96)
            network = new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - 96);
        else if (HoldsMapped(network))
        {
            problem = "holds all of IPv4 besides: write IPv4 networks as such, and IPv6 as ::1/128, fc00::/7 or 2000::/3";
            return false;
        }

        return true;
    }

    // Not network.Contains, which compares a mapped address as if it were a short one, and finds it in fc00::/7.
    private static bool HoldsMapped(IPNetwork network)
    {
        if (network.BaseAddress.AddressFamily != AddressFamily.InterNetworkV6) return false;
        var (mapped, lowest) = (IPAddress.Any.MapToIPv6().GetAddressBytes(), network.BaseAddress.GetAddressBytes());
        return Enumerable.Range(0, network.PrefixLength).All(bit => ((mapped[bit / 8] ^ lowest[bit / 8]) & (0x80 >> (bit % 8))) == 0);
    }
}
