using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Tests.Hosting;

public class OptionsTests
{
    public static TheoryData<string, Action<WebhookDispatcherOptions>> Wrong => new()
    {
        { "ConnectionString is required", o => o.ConnectionString = " " },
        { "Schema must be 1 to 50 lower-case", o => o.Schema = "Robert\"; DROP" },
        { "MasterKey is required: base64 of 32", o => o.MasterKey = "c2hvcnQ=" },
        { "Publishing:MaxDataBytes must lie between 1 and 16777216; it is 0.", o => o.Publishing.MaxDataBytes = 0 },
        { "Publishing:GroupCommitSize must lie between 1 and 10000; it is 0.", o => o.Publishing.GroupCommitSize = 0 },
        { "Sequencing:PollInterval must lie between 00:00:00.0050000 and 00:01:00; it is 00:00:00.", o => o.Sequencing.PollInterval = TimeSpan.Zero },
        { "Sequencing:BatchSize must lie between 1 and 100000", o => o.Sequencing.BatchSize = -1 },
        { "Sequencing:DedupeWindow must lie", o => o.Sequencing.DedupeWindow = TimeSpan.FromDays(31) },
        { "Delivery:LeaseDuration must lie between 00:00:00.5000000 and 01:00:00", o => o.Delivery.LeaseDuration = TimeSpan.FromMilliseconds(499) },
        { "Delivery:Waits:1 must lie", o => o.Delivery.Waits.Add(TimeSpan.Zero) },
        { "Delivery:MaxLeases must lie", o => o.Delivery.MaxLeases = 0 },
        { "Delivery:MaxConcurrentSends must lie", o => o.Delivery.MaxConcurrentSends = 0 },
        { "Delivery:ReadAhead must lie", o => o.Delivery.ReadAhead = 0 },
        { "Delivery:ReadAheadBytes must lie", o => o.Delivery.ReadAheadBytes = 0 },
        { "Delivery:SettleInterval must lie", o => o.Delivery.SettleInterval = TimeSpan.FromSeconds(-1) },
        { "Retention:Keep must lie between 00:00:01 and 3660.00:00:00; it is 00:00:00.", o => o.Retention.Keep = TimeSpan.Zero },
        { "Retention:Period must lie between 14:24:00 and 30.00:00:00; it is 00:00:01.", o => o.Retention.Period = TimeSpan.FromSeconds(1) },
        { "Retention:Interval must lie", o => o.Retention.Interval = TimeSpan.FromHours(2) },
        { "Sending:Timeout must lie", o => o.Sending.Timeout = TimeSpan.FromMinutes(3) },
        { "Sending:MaxResponseBytes must lie", o => o.Sending.MaxResponseBytes = -1 },
        { "Sending:AllowedNetworks must be in CIDR form such as 10.1.0.0/16; '10.0.0.0' is not.", o => o.Sending.AllowedNetworks.Add("10.0.0.0") },
        { "'10.1.2.3/8' has bits set beyond its prefix: write 10.0.0.0/8", o => o.Sending.AllowedNetworks.Add("10.1.2.3/8") },
        { "ConnectionString must be one for PostgreSQL", o => o.ConnectionString = "garbage" },
        { "ConnectionString must be one for PostgreSQL", o => o.ConnectionString = "Host=db;Hots=db" },
        { "'127/8' must have all four numbers", o => o.Sending.AllowedNetworks.Add("127/8") },
        { "Sending:UserAgent must have 1 to 256 printable", o => o.Sending.UserAgent = "" },
        { "Sending:UserAgent must have 1 to 256 printable", o => o.Sending.UserAgent = "Acme\r\nX-Other: 1" },
        { "Delivery:Linger", o => o.Delivery.Linger = TimeSpan.Zero },
        { "'::/0' holds all of IPv4 besides", o => o.Sending.AllowedNetworks.Add("::/0") },
        { "'::ffff:0.0.0.0/95' has bits", o => o.Sending.AllowedNetworks.Add("::ffff:0.0.0.0/95") },
        { "Sending:ConnectionLifetime must lie", o => o.Sending.ConnectionLifetime = TimeSpan.Zero },
        { "Sending:Proxy must be an http URL", o => (o.Sending.Proxy, o.Sending.ProxyJudgesAddresses) = (new Uri("socks5://egress.internal"), true) },
        { "Sending:ProxyJudgesAddresses must be true", o => o.Sending.Proxy = new Uri("http://egress.internal:4750") },
        { "Egress:Window must lie", o => o.Egress.Window = TimeSpan.Zero },
        { "Egress:MinEndpoints must lie", o => o.Egress.MinEndpoints = 1 },
        { "Egress:ConfirmAfter must lie", o => o.Egress.ConfirmAfter = TimeSpan.FromSeconds(-1) },
        { "Egress:LongestWait must lie", o => o.Egress.LongestWait = TimeSpan.Zero },
        { "Egress:Patience must lie", o => o.Egress.Patience = TimeSpan.Zero },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Start_OptionOutOfRange_FailsNamingKeyAndRange(string says, Action<WebhookDispatcherOptions> change)
    {
        var failed = await Assert.ThrowsAsync<OptionsValidationException>(() => Platform.StartAsync(change, "Host=127.0.0.1;Port=1"));
        Assert.Contains(says, failed.Message);
        Assert.DoesNotContain(Platform.MasterKey, failed.Message);
    }

    [Fact]
    public async Task Start_SeveralOptionsWrong_AllAreNamed()
    {
        var failed = await Assert.ThrowsAsync<OptionsValidationException>(() => Platform.StartAsync(options =>
        {
            options.MasterKey = "";
            options.Delivery.ReadAhead = 0;
        }, "Host=127.0.0.1;Port=1"));
        Assert.Equal(2, failed.Failures.Count());
    }
}
