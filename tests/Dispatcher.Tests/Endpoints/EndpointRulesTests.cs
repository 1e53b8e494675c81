using System.Net;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Endpoints;

/// <summary>Promise 13, as far as a URL alone can say; the rest is judged when the connection is made.</summary>
public class EndpointRulesTests
{
    [Theory]
    [InlineData("https://example.com/")]
    [InlineData("https://example.com:8443/a?b=c%20d")]
    [InlineData("https://93.184.216.34/")]
    [InlineData("https://[2606:2800:220:1:248:1893:25c8:1946]/")]
    [InlineData("https://bücher.example/")]
    [InlineData("https://localhost/")]
    public void Url_Fit_IsAccepted(string url) => Check(new EndpointSettings(url));

    [Theory]
    [InlineData("", "Required")]
    [InlineData("example.com", "absolute")]
    [InlineData("/hooks", "absolute")]
    [InlineData("https://", "absolute")]
    [InlineData("http://example.com/", "https")]
    [InlineData("ftp://example.com/", "https")]
    [InlineData("file:///etc/passwd", "")]
    [InlineData("https://me:you@example.com/", "user name")]
    [InlineData("https://example.com/#part", "fragment")]
    [InlineData(" https://example.com/", "white space")]
    [InlineData("https://example.com/a b", "white space")]
    [InlineData("https://exa\nmple.com/", "white space")]
    [InlineData("https://127.0.0.1/", "public internet")]
    [InlineData("https://2130706433/", "public internet")]
    [InlineData("https://0x7f.1/", "public internet")]
    [InlineData("https://0177.0.0.1/", "public internet")]
    [InlineData("https://127.1/", "public internet")]
    [InlineData("https://[::1]/", "public internet")]
    [InlineData("https://[::ffff:127.0.0.1]/", "public internet")]
    [InlineData("https://[::ffff:a9fe:a9fe]/", "public internet")]
    [InlineData("https://169.254.169.254/latest/meta-data/", "public internet")]
    [InlineData("https://[fe80::1%25eth0]/", "public internet")]
    [InlineData("https://10.0.0.8/", "public internet")]
    [InlineData("https://[fd00::1]/", "public internet")]
    [InlineData("https://0/", "public internet")]
    public void Url_Unfit_IsRefusedWithoutShowingIt(string url, string says)
    {
        var refused = Assert.Throws<WebhookValidationException>(() => Check(new EndpointSettings(url)));
        Assert.Contains(says, Assert.Single(refused.Errors["url"]));
        Assert.DoesNotContain("me:you", refused.Message);
    }

    [Fact]
    public void Url_HalfASurrogatePair_IsRefused() =>
        Assert.Contains("surrogate", Assert.Throws<WebhookValidationException>(() => Check(new EndpointSettings("https://example.com/\ud800"))).Message);

    public static TheoryData<EndpointSettings, string, string> WaysOfSending => new()
    {
        { Fit with { Ordering = (EndpointOrdering)7 }, "ordering", "strict or relaxed" },
        { Fit with { MaxInFlight = 0 }, "max_in_flight", "it is 0" },
        { Fit with { MaxInFlight = 1001 }, "max_in_flight", "it is 1001" },
        { Fit with { RateLimit = 0 }, "rate_limit", "it is 0" },
        { Fit with { RateLimit = 100_001 }, "rate_limit", "it is 100001" },
        { Fit with { Batch = new BatchSettings { MaxEvents = 0 } }, "batch", "max_events" },
        { Fit with { Batch = new BatchSettings { MaxEvents = 1001 } }, "batch", "max_events" },
        { Fit with { Batch = new BatchSettings { MaxWait = TimeSpan.FromSeconds(-1) } }, "batch", "max_wait" },
        { Fit with { Batch = new BatchSettings { MaxWait = TimeSpan.FromSeconds(61) } }, "batch", "max_wait" },
        { Fit with { Batch = new BatchSettings { MaxBytes = 1023 } }, "batch", "max_bytes" },
        { Fit with { Batch = new BatchSettings { MaxBytes = 512 * 1024 + 1 } }, "batch", "max_bytes" },
        { Fit with { Batch = new BatchSettings(), Ordering = EndpointOrdering.Relaxed }, "batch", "strict" },
    };

    private static EndpointSettings Fit => new("https://example.com/");

    [Theory]
    [MemberData(nameof(WaysOfSending))]
    public void WayOfSending_OutOfRange_IsRefusedByName(EndpointSettings settings, string field, string says) =>
        Assert.Contains(says, Assert.Single(Assert.Throws<WebhookValidationException>(() => Check(settings)).Errors[field]));

    [Fact]
    public void Settings_SeveralWrong_AllAreNamed()
    {
        var refused = Assert.Throws<WebhookValidationException>(() => Check(new EndpointSettings("https://example.com/" + new string('a', 2048))
        {
            EventTypes = ["a", "b.**.c", ""], Description = new string('x', 501), FailureThreshold = 0, ReceiverAccess = (ReceiverAccess)9,
        }));
        Assert.Equal(["description", "event_types", "failure_threshold", "receiver_access", "url"], refused.Errors.Keys.Order());
        Assert.Contains("it has 2068", refused.Message);
        Assert.Equal(2, refused.Errors["event_types"].Length);
        Assert.Contains("there are 0", Assert.Throws<WebhookValidationException>(() => Check(new EndpointSettings("https://example.com/") { EventTypes = [] })).Message);
        Assert.Throws<WebhookValidationException>(() => Check(new EndpointSettings("https://example.com/") { Description = "\udfff" }));
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.255.255.255", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("100.128.0.1", true)]
    [InlineData("127.255.255.254", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.15.0.1", true)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.0.0.8", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("198.19.0.1", false)]
    [InlineData("203.0.113.7", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("64:ff9b::808:808", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001::1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fec0::1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("4000::1", false)]
    public void Address_IsPublic_AsTheRegistriesSay(string address, bool isPublic) => Assert.Equal(isPublic, AddressPolicy.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public void Address_InTheAllowList_IsAllowedInEverySpelling()
    {
        var policy = Policy("10.1.0.0/16", "::1/128");
        Assert.True(policy.IsAllowed(IPAddress.Parse("10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.IPv6Loopback));
        Assert.False(policy.IsAllowed(IPAddress.Parse("10.2.2.3")));
        Assert.False(policy.IsAllowed(IPAddress.Loopback));
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(7 * 86400, true)]
    [InlineData((7 * 86400) + 1, false)]
    public void Overlap_Range_IsHeld(int seconds, bool holds)
    {
        var check = Record.Exception(() => EndpointRules.CheckOverlap(TimeSpan.FromSeconds(seconds)));
        Assert.Equal(holds, check is null);
        if (!holds) Assert.Contains("overlap: Must lie between 0 and 7 days", Assert.IsType<WebhookValidationException>(check).Message);
    }

    private static void Check(EndpointSettings settings) => EndpointRules.Check(settings, new SendingOptions(), Policy());

    private static AddressPolicy Policy(params string[] networks)
    {
        var options = new WebhookDispatcherOptions();
        foreach (var network in networks) options.Sending.AllowedNetworks.Add(network);
        return new AddressPolicy(Options.Create(options));
    }
}
