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
    [InlineData("https://xn--bcher-kva.example/")]
    [InlineData("https://example.com./")]
    [InlineData("https://93.184.216.34./")]
    [InlineData("https://localhost.example.com/")]
    [InlineData("https://1.example/")]
    [InlineData("https://a_b.example.com/")]
    [InlineData("https://пример.испытание/")]
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
    [InlineData("https://example.com:0/", "port")]
    [InlineData("https://xn--/", "ordinary letters")]
    [InlineData("https://a.xn--999999999999.example/", "ordinary letters")]
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
    [InlineData("https://127.0.0.1./", "public internet")]
    [InlineData("https://0x7f000001/", "public internet")]
    [InlineData("https://017700000001/", "public internet")]
    [InlineData("https://00000000177.0.0.1/", "public internet")]
    [InlineData("https://127.0.0.0x1/", "public internet")]
    [InlineData("https://[::127.0.0.1]/", "public internet")]
    [InlineData("https://[0:0:0:0:0:ffff:127.0.0.1]/", "public internet")]
    [InlineData("https://[::ffff:0:127.0.0.1]/", "public internet")]
    [InlineData("https://[64:ff9b::a9fe:a9fe]/", "public internet")]
    [InlineData("https://[2002:a00:1::]/", "public internet")]
    [InlineData("https://[2606:4700::5efe:a00:1]/", "public internet")]
    [InlineData("https://[2606:4700::1%251]/", "public internet")]
    [InlineData("https://[::1]./", "public internet")]
    [InlineData("https://localhost/", "public internet")]
    [InlineData("https://LOCALHOST./", "public internet")]
    [InlineData("https://anything.localhost/", "public internet")]
    [InlineData("https://0x7f.0.0.1./", "public internet")]
    [InlineData("https://256.1.1.1/", "host name, or an address")]
    [InlineData("https://1.2.3.4.5/", "host name, or an address")]
    [InlineData("https://09.1.1.1/", "host name, or an address")]
    [InlineData("https://4294967296/", "host name, or an address")]
    [InlineData("https://example.0x7f/", "host name, or an address")]
    [InlineData("https://example.com.0x/", "host name, or an address")]
    [InlineData("https://１２７.0.0.1/", "plain host name")]
    [InlineData("https://127。0。0。1/", "plain host name")]
    [InlineData("https://①②⑦.0.0.1/", "plain host name")]
    [InlineData("https://ｌｏｃａｌｈｏｓｔ/", "plain host name")]
    [InlineData("https://lo\u00adcalhost/", "plain host name")]
    [InlineData("https://\u2113ocalhost/", "plain host name")]
    [InlineData("https://\ud835\udff9.example/", "plain host name")]
    [InlineData("https://127%2E0.0.1/", "absolute")]
    [InlineData("https://%31%32%37.0.0.1/", "absolute")]
    [InlineData("https://127.0.0.1%00.example.com/", "absolute")]
    [InlineData("https:///127.0.0.1/", "absolute")]
    [InlineData("https://127.0.0.1..", "absolute")]
    [InlineData("https://*.example.com/", "absolute")]
    [InlineData("https://[v1.fe80]/", "absolute")]
    [InlineData("https:\\\\127.0.0.1/", "backslash")]
    [InlineData("https://example.com\\@127.0.0.1/", "backslash")]
    [InlineData("https://example.com@127.0.0.1/", "user name")]
    [InlineData("https://@127.0.0.1/", "")]
    [InlineData("https://127.0.0.1#@example.com/", "fragment")]
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

    private static void Check(EndpointSettings settings) => EndpointRules.Check(settings, new SendingOptions(), new AddressPolicy(Options.Create(new WebhookDispatcherOptions())));
}
