using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>Promise 13: which addresses may be called. The cases follow IANA's special-purpose registries, each range with its edges.</summary>
public class AddressPolicyTests
{
    private static readonly AddressPolicy Strict = Policy();

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("1.0.0.0")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.1")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.1")]
    [InlineData("168.63.129.15")]
    [InlineData("169.253.255.255")]
    [InlineData("172.15.0.1")]
    [InlineData("172.32.0.0")]
    [InlineData("192.0.1.1")]
    [InlineData("192.167.255.255")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("2606:4700::1111")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2003::1")]
    [InlineData("2a00::1")]
    [InlineData("64:ff9b::808:808")]
    [InlineData("2606:4700::5efe:808:808")]
    public void Public_MayBeCalled(string address) => Assert.Null(Strict.Problem(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0", "this network")]
    [InlineData("0.255.255.255", "this network")]
    [InlineData("10.0.0.0", "private")]
    [InlineData("10.255.255.255", "private")]
    [InlineData("100.64.0.1", "shared")]
    [InlineData("100.100.100.200", "shared")]
    [InlineData("100.127.255.255", "shared")]
    [InlineData("127.0.0.1", "loopback")]
    [InlineData("127.255.255.254", "loopback")]
    [InlineData("168.63.129.16", "metadata")]
    [InlineData("169.254.169.254", "link-local")]
    [InlineData("172.16.0.0", "private")]
    [InlineData("172.31.255.255", "private")]
    [InlineData("192.0.0.8", "protocol")]
    [InlineData("192.0.0.192", "protocol")]
    [InlineData("192.0.2.1", "documentation")]
    [InlineData("192.31.196.1", "AS112")]
    [InlineData("192.52.193.1", "AMT")]
    [InlineData("192.88.99.1", "6to4")]
    [InlineData("192.168.1.1", "private")]
    [InlineData("192.175.48.1", "AS112")]
    [InlineData("198.18.0.0", "benchmarking")]
    [InlineData("198.19.255.255", "benchmarking")]
    [InlineData("198.51.100.7", "documentation")]
    [InlineData("203.0.113.7", "documentation")]
    [InlineData("224.0.0.1", "multicast")]
    [InlineData("239.255.255.255", "multicast")]
    [InlineData("240.0.0.1", "reserved")]
    [InlineData("255.255.255.255", "broadcast")]
    [InlineData("::ffff:10.0.0.1", "private")]
    [InlineData("::ffff:169.254.169.254", "link-local")]
    [InlineData("::", "unspecified")]
    [InlineData("::1", "loopback")]
    [InlineData("::127.0.0.1", "IPv4-compatible")]
    [InlineData("::8.8.8.8", "IPv4-compatible")]
    [InlineData("::ffff:0:8.8.8.8", "IPv4-translated")]
    [InlineData("64:ff9b::7f00:1", "loopback, as 127.0.0.1 inside")]
    [InlineData("64:ff9b::a9fe:a9fe", "link-local, as 169.254.169.254 inside")]
    [InlineData("64:ff9b:1::808:808", "local translator")]
    [InlineData("64:ff9b:2::1", "unassigned")]
    [InlineData("100::1", "discard")]
    [InlineData("100:0:0:1::1", "dummy")]
    [InlineData("2001::1", "Teredo")]
    [InlineData("2001:1::1", "protocol")]
    [InlineData("2001:2::1", "benchmarking")]
    [InlineData("2001:3::1", "protocol")]
    [InlineData("2001:4:112::1", "protocol")]
    [InlineData("2001:10::1", "ORCHID")]
    [InlineData("2001:2f:ffff::1", "ORCHIDv2")]
    [InlineData("2001:30::1", "protocol")]
    [InlineData("2001:1ff::1", "protocol")]
    [InlineData("2001:db8::1", "documentation")]
    [InlineData("2002:808:808::", "6to4")]
    [InlineData("2606:4700::5efe:10.0.0.1", "private, as 10.0.0.1 inside")]
    [InlineData("2606:4700::200:5efe:10.0.0.1", "private, as 10.0.0.1 inside")]
    [InlineData("2606:4700::1%3", "interface")]
    [InlineData("2620:4f:8000::1", "AS112")]
    [InlineData("3ffe::1", "6bone")]
    [InlineData("3fff:fff::1", "documentation")]
    [InlineData("4000::1", "unassigned")]
    [InlineData("5f00::1", "segment")]
    [InlineData("fc00::1", "unique local")]
    [InlineData("fd00:ec2::254", "unique local")]
    [InlineData("fe80::1", "link-local")]
    [InlineData("fe80::1%2", "interface")]
    [InlineData("fec0::1", "site-local")]
    [InlineData("ff02::1", "multicast")]
    public void Special_IsRefusedByItsName(string address, string name) => Assert.Contains(name, Strict.Problem(IPAddress.Parse(address)));

    /// <summary>Whatever the IPv4 address, no way of writing it inside an IPv6 address gets it past the policy.</summary>
    [Fact]
    public void Embedded_WhateverIsInside_IsAllowedOnlyIfThatIs() => Prop.ForAll<byte[]>(Four(), bytes =>
    {
        var inside = new IPAddress(bytes);
        // With the tunnels allowed, the one inside decides.
        var policy = Policy("2002::/16", "2001::/32", "::ffff:0:0:0/96", "64:ff9b:1:ffff::/96");
        var may = policy.IsAllowed(inside);
        var turned = Array.ConvertAll(bytes, b => (byte)~b);
        return new[]
        {
            ("::ffff:0:0", 12, bytes), ("64:ff9b::", 12, bytes), ("2002::", 2, bytes), ("2001:0:808:808::", 12, turned), ("::ffff:0:0:0", 12, bytes),
            ("64:ff9b:1:ffff::", 12, bytes), ("2606:4700::5efe:0:0", 12, bytes),
        }.All(form => policy.IsAllowed(With(form.Item1, form.Item2, form.Item3)) == may);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AllowList_WhateverTheNetwork_AllowsItAndNothingBeside() =>
        Prop.ForAll<byte[], byte[], int>(Four(), Four(), ArbMap.Default.ArbFor<int>().Filter(length => length is >= 1 and <= 32), (at, other, length) =>
        {
            var whole = new IPNetwork(Masked(at, length), length);
            var mapped = new IPNetwork(whole.BaseAddress.MapToIPv6(), length + 96);
            var address = new IPAddress(other);
            var expected = Strict.IsAllowed(address) || whole.Contains(address);
            return new[] { whole, mapped }.All(network =>
                Policy(network.ToString()).IsAllowed(address) == expected && Policy(network.ToString()).IsAllowed(address.MapToIPv6()) == expected);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("::ffff:10.0.0.0/104", "10.0.0.0/8")]
    [InlineData("::ffff:0:0/96", "0.0.0.0/0")]
    [InlineData("10.1.0.0/16", "10.1.0.0/16")]
    [InlineData("::1/128", "::1/128")]
    [InlineData("fc00::/7", "fc00::/7")]
    public void AllowList_Entry_MeansWhatItSays(string entry, string network)
    {
        Assert.True(AddressPolicy.TryParse(entry, out var read, out _));
        Assert.Equal(IPNetwork.Parse(network), read);
    }

    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.1.2.3/8")]
    [InlineData("fd00::1/8")]
    [InlineData("::/0")]
    [InlineData("::/80")]
    [InlineData("::fffe:0:0/95")]
    [InlineData("::ffff:10.0.0.0/129")]
    [InlineData("example.com/8")]
    [InlineData("")]
    [InlineData(null)]
    public void AllowList_EntryThatMeansSomethingElse_IsRefused(string? entry) => Assert.False(AddressPolicy.TryParse(entry, out _, out _));

    /// <summary>RFC 6052, 2.2: where the address stands inside follows from the prefix's length.</summary>
    [Theory]
    [InlineData("64:ff9b:1::/48", "64:ff9b:1:808:8:800::", true)]
    [InlineData("64:ff9b:1::/48", "64:ff9b:1:a9fe:a9:fe00::", false)]
    [InlineData("64:ff9b:1:200::/56", "64:ff9b:1:208:8:808::", true)]
    [InlineData("64:ff9b:1:200::/56", "64:ff9b:1:20a::1", false)]
    [InlineData("64:ff9b:1:2::/64", "64:ff9b:1:2:8:808:800:0", true)]
    [InlineData("64:ff9b:1:2::/64", "64:ff9b:1:2:a:0:100:0", false)]
    [InlineData("64:ff9b:1:2::/96", "64:ff9b:1:2::8.8.8.8", true)]
    [InlineData("64:ff9b:1:2::/96", "64:ff9b:1:2::10.0.0.1", false)]
    [InlineData("64:ff9b:1:2::/96", "64:ff9b:1:3::8.8.8.8", false)]
    public void AllowList_PrefixOfATranslator_IsJudgedByWhatIsInside(string entry, string address, bool allowed) =>
        Assert.Equal(allowed, Policy(entry).IsAllowed(IPAddress.Parse(address)));

    [Fact]
    public void AllowList_IsAllowedInEverySpelling()
    {
        var policy = Policy("10.1.0.0/16", "::1/128", "fe80::/10");
        Assert.True(policy.IsAllowed(IPAddress.Parse("10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.Parse("64:ff9b::10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.IPv6Loopback));
        Assert.True(policy.IsAllowed(IPAddress.Parse("fe80::1%2")));
        Assert.False(policy.IsAllowed(IPAddress.Parse("10.2.2.3")));
        Assert.False(policy.IsAllowed(IPAddress.Parse("::10.1.2.3")));
        Assert.False(policy.IsAllowed(IPAddress.Loopback));
    }

    private static Arbitrary<byte[]> Four() =>
        Gen.OneOf(
            Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>(), 4),
            // Near what is special, where mistakes are.
            Gen.Elements("10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1", "8.8.8.8", "172.32.0.1")
                .Select(text => IPAddress.Parse(text).GetAddressBytes())).ToArbitrary();

    private static IPAddress With(string prefix, int at, byte[] inside)
    {
        var bytes = IPAddress.Parse(prefix).GetAddressBytes();
        inside.CopyTo(bytes, at);
        return new IPAddress(bytes);
    }

    private static IPAddress Masked(byte[] bytes, int length)
    {
        var kept = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) & (uint.MaxValue << (32 - length));
        var masked = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(masked, kept);
        return new IPAddress(masked);
    }

    private static AddressPolicy Policy(params string[] networks)
    {
        var options = new WebhookDispatcherOptions();
        foreach (var network in networks) options.Sending.AllowedNetworks.Add(network);
        return new AddressPolicy(Options.Create(options));
    }
}
