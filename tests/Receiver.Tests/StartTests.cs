using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Webhooks.Receiver.Tests;

/// <summary>What is set up wrongly says at start what to do about it.</summary>
public sealed class StartTests
{
    [Fact]
    public void Map_WithoutAddWebhookReceiver_SaysWhatToCall()
    {
        var app = WebApplication.CreateSlimBuilder().Build();
        Assert.Contains("AddWebhookReceiver", Assert.Throws<InvalidOperationException>(() => app.MapWebhookReceiver("/hooks", "acme")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Map_WithoutInbox_SaysWhatToCall()
    {
        var host = WebApplication.CreateSlimBuilder();
        host.Services.AddWebhookReceiver("acme", options => options.Secrets.Add(TestApp.Secret.Reveal()));
        var error = Assert.Throws<InvalidOperationException>(() => host.Build().MapWebhookReceiver("/hooks", "acme"));
        Assert.Contains("UseSqliteInbox", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"acme\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Map_UnknownSource_NamesTheKnownOnes()
    {
        var host = WebApplication.CreateSlimBuilder();
        host.Services.AddWebhookReceiver("acme", options => options.Secrets.Add(TestApp.Secret.Reveal())).UseMemoryInbox();
        Assert.Contains("acme", Assert.Throws<ArgumentException>(() => host.Build().MapWebhookReceiver("/hooks", "acne")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Map_AllSourcesWithoutThePlaceForTheName_SaysSo()
    {
        var host = WebApplication.CreateSlimBuilder();
        host.Services.AddWebhookReceiver("acme", options => options.Secrets.Add(TestApp.Secret.Reveal())).UseMemoryInbox();
        Assert.Contains("{source}", Assert.Throws<ArgumentException>(() => host.Build().MapWebhookReceiver("/hooks")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_SameNameTwice_SaysSo()
    {
        var host = WebApplication.CreateSlimBuilder();
        host.Services.AddWebhookReceiver("acme", _ => { });
        Assert.Contains("acme", Assert.Throws<InvalidOperationException>(() => host.Services.AddWebhookReceiver("acme", _ => { })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UseSqliteInbox_WithoutAPath_NamesTheKey()
    {
        var builder = WebApplication.CreateSlimBuilder().Services.AddWebhookReceiver("acme", _ => { });
        Assert.Contains("InboxPath", Assert.Throws<ArgumentException>(() => builder.UseSqliteInbox(" ")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TimestampTolerance", "00:00:00")]
    [InlineData("TimestampTolerance", "01:00:01")]
    [InlineData("MaxBodyBytes", "0")]
    [InlineData("GapGrace", "-00:00:01")]
    [InlineData("BackfillPageSize", "1001")]
    [InlineData("HandlerRetryMax", "00:00:00.100")]
    [InlineData("IdRetention", "29.00:00:00")]
    [InlineData("FeedBaseAddress", "ftp://platform.example/")]
    [InlineData("FeedBaseAddress", "platform.example")]
    [InlineData("FeedApiKey", "wk_1")] // for no address
    [InlineData("Endpoint", "ep 1")]
    [InlineData("Secrets:0:NotAfter", "2020-01-01T00:00:00Z")]
    public async Task Start_OptionOutOfRange_NamesTheKey(string key, string value)
    {
        var section = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Secrets:0:Value"] = TestApp.Secret.Reveal(), ["Secrets:0:NotBefore"] = "2021-01-01T00:00:00Z", [key] = value,
        }).Build();
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(section: section, memory: true));
        Assert.Contains($"Webhook receiver \"acme\":{key}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("whsec_", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Whoever reads a key on its way can use it, and a key with a line end in it is half of one.</summary>
    [Theory]
    [InlineData("wk_canary", "http://platform.example/", "https")]
    [InlineData("wk_canary\n", "https://platform.example/", "visible ASCII")]
    [InlineData("wk_canary x", "https://platform.example/", "visible ASCII")]
    [InlineData("", "https://platform.example/", "1 to 1000")]
    public async Task Start_FeedApiKeyThatCannotBeSent_SaysWhyWithoutTheKey(string key, string address, string why)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(
            options => (options.FeedApiKey, options.FeedBaseAddress) = (key, new Uri(address)), memory: true));
        Assert.Contains("\"acme\":FeedApiKey", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")]
    [InlineData("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")]
    public async Task Start_Ed25519KeyWithoutThePackage_NamesThePackageAndHidesTheKey(string value)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(options => options.Secrets.Add(value), memory: true));
        Assert.Contains("Webhook receiver \"acme\":Secrets:1:Value", error.Message, StringComparison.Ordinal);
        Assert.Contains("Webhooks.Signing.NSec", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(value[5..13], error.ToString(), StringComparison.Ordinal);
    }
}
