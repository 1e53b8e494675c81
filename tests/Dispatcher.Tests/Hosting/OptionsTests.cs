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
        { "Sending:Timeout must lie", o => o.Sending.Timeout = TimeSpan.FromMinutes(3) },
        { "Sending:MaxResponseBytes must lie", o => o.Sending.MaxResponseBytes = -1 },
        { "Sending:AllowedNetworks must be in CIDR form such as 10.1.0.0/16; '10.0.0.0' is not.", o => o.Sending.AllowedNetworks.Add("10.0.0.0") },
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
