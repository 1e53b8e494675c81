using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Which addresses are not of the public internet, and which carry an IPv4 address inside; pure.</summary>
internal static class SpecialNetworks
{
    // IANA's special-purpose registries: whatever is not globally reachable, and multicast. The first that fits gives the name.
    private static readonly (IPNetwork Network, string Name)[] V4 =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "this network"),
        (IPNetwork.Parse("10.0.0.0/8"), "private"),
        (IPNetwork.Parse("100.64.0.0/10"), "shared by a carrier"),
        (IPNetwork.Parse("127.0.0.0/8"), "loopback"),
        (IPNetwork.Parse("169.254.0.0/16"), "link-local"),
        (IPNetwork.Parse("172.16.0.0/12"), "private"),
        (IPNetwork.Parse("192.0.0.0/24"), "a protocol assignment"),
        (IPNetwork.Parse("192.0.2.0/24"), "documentation"),
        (IPNetwork.Parse("192.31.196.0/24"), "AS112"),
        (IPNetwork.Parse("192.52.193.0/24"), "AMT"),
        (IPNetwork.Parse("192.88.99.0/24"), "a 6to4 relay"),
        (IPNetwork.Parse("192.168.0.0/16"), "private"),
        (IPNetwork.Parse("192.175.48.0/24"), "AS112"),
        (IPNetwork.Parse("198.18.0.0/15"), "benchmarking"),
        (IPNetwork.Parse("198.51.100.0/24"), "documentation"),
        (IPNetwork.Parse("203.0.113.0/24"), "documentation"),
        (IPNetwork.Parse("224.0.0.0/4"), "multicast"),
        (IPNetwork.Parse("255.255.255.255/32"), "broadcast"),
        (IPNetwork.Parse("240.0.0.0/4"), "reserved"),
        // Not in the registry: the address at which Azure serves its machines their metadata.
        (IPNetwork.Parse("168.63.129.16/32"), "a cloud's metadata"),
    ];

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork Nat64Local = IPNetwork.Parse("64:ff9b:1::/48");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork Teredo = IPNetwork.Parse("2001::/32");
    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork Translated = IPNetwork.Parse("::ffff:0:0:0/96");

    // Only 2000::/3 is given out for global use, and parts of it are not; of the rest only the translator's prefix leads to the internet.
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");

    private static readonly (IPNetwork Network, string Name)[] V6 =
    [
        (IPNetwork.Parse("::/128"), "unspecified"),
        (IPNetwork.Parse("::1/128"), "loopback"),
        (Compatible, "IPv4-compatible"),
        (Translated, "IPv4-translated"),
        (Nat64Local, "a local translator's"),
        (IPNetwork.Parse("100::/64"), "discard-only"),
        (IPNetwork.Parse("100:0:0:1::/64"), "a dummy prefix"),
        (Teredo, "Teredo"),
        (IPNetwork.Parse("2001:2::/48"), "benchmarking"),
        (IPNetwork.Parse("2001:10::/28"), "ORCHID"),
        (IPNetwork.Parse("2001:20::/28"), "ORCHIDv2"),
        (IPNetwork.Parse("2001:db8::/32"), "documentation"),
        (IPNetwork.Parse("2001::/23"), "a protocol assignment"),
        (SixToFour, "6to4"),
        (IPNetwork.Parse("2620:4f:8000::/48"), "AS112"),
        (IPNetwork.Parse("3ffe::/16"), "6bone, returned"),
        (IPNetwork.Parse("3fff::/20"), "documentation"),
        (IPNetwork.Parse("5f00::/16"), "segment routing"),
        (IPNetwork.Parse("fc00::/7"), "unique local"),
        (IPNetwork.Parse("fe80::/10"), "link-local"),
        (IPNetwork.Parse("fec0::/10"), "site-local"),
        (IPNetwork.Parse("ff00::/8"), "multicast"),
    ];

    /// <summary>What kind of special address it is, by itself; null when it is one of the public internet.</summary>
    public static string? NameOf(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork) return Find(V4, address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return "of another family";
        if (address.IsIPv4MappedToIPv6) return Find(V4, address.MapToIPv4());
        if (address.ScopeId != 0) return "bound to an interface";
        return Find(V6, address) ?? (Global.Contains(address) || Nat64.Contains(address) ? null : "unassigned");
    }

    /// <summary>The IPv4 addresses that packets to this one are sent on to by some translator or tunnel, or are meant for.</summary>
    public static IEnumerable<IPAddress> EmbeddedIn(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.IsIPv4MappedToIPv6) yield break;
        var bytes = address.GetAddressBytes();
        if (SixToFour.Contains(address)) yield return V4At(bytes, 2);
        if (Teredo.Contains(address))
        {
            yield return V4At(bytes, 4);
            // The client's, with every bit turned.
            yield return new IPAddress([(byte)~bytes[12], (byte)~bytes[13], (byte)~bytes[14], (byte)~bytes[15]]);
        }

        var last = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(12));
        // :: and ::1 look like IPv4-compatible addresses and are none.
        if (Nat64.Contains(address) || Translated.Contains(address) || (Compatible.Contains(address) && last > 1)) yield return V4At(bytes, 12);
        // ISATAP marks itself in the interface's part, whatever the prefix.
        if ((BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(8)) & 0xfdff_ffff) == 0x0000_5efe) yield return V4At(bytes, 12);
    }

    /// <summary>The IPv4 address inside one of a translator's prefix; where it stands follows from the prefix's length (RFC 6052, 2.2).</summary>
    public static IPAddress? EmbeddedIn(IPAddress address, IPNetwork prefix)
    {
        if (!Nat64Local.Contains(prefix.BaseAddress) || prefix.PrefixLength < Nat64Local.PrefixLength) return null;
        var bytes = address.GetAddressBytes();
        return prefix.PrefixLength switch
        {
            48 => new IPAddress([bytes[6], bytes[7], bytes[9], bytes[10]]),
            56 => new IPAddress([bytes[7], bytes[9], bytes[10], bytes[11]]),
            64 => V4At(bytes, 9),
            _ => V4At(bytes, 12),
        };
    }

    private static IPAddress V4At(byte[] bytes, int at) => new(bytes.AsSpan(at, 4));

    private static string? Find((IPNetwork Network, string Name)[] table, IPAddress address)
    {
        foreach (var (network, name) in table)
            if (network.Contains(address)) return name;
        return null;
    }
}
