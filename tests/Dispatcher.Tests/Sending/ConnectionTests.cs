using System.Net;
using System.Net.Sockets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>Promise 13: the address that was judged is the one that is connected to, whatever the name server says before and after.</summary>
public class ConnectionTests
{
    private static readonly IPAddress Private = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Metadata = IPAddress.Parse("169.254.169.254");

    [Theory]
    [InlineData("http://2130706433")]
    [InlineData("http://0x7f.1")]
    [InlineData("http://0177.0.0.1")]
    [InlineData("http://127.1")]
    [InlineData("http://127.0.0.1.")]
    [InlineData("http://[::ffff:127.0.0.1]")]
    [InlineData("http://localhost")]
    [InlineData("http://anything.localhost.")]
    [InlineData("http://127。0。0。1")]
    public async Task Connect_LoopbackInEverySpelling_IsNotReached(string host)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var sender = new Sender(options => options.AllowedNetworks.Clear());
        var result = await sender.SendAsync($"{host}:{receiver.Port}/");
        // With a dot at its end it is a name, which nobody has.
        Assert.Contains(result.Outcome, new[] { AttemptOutcome.AddressRefused, AttemptOutcome.DnsFailed });
        Assert.Equal(0, receiver.Count);
    }

    /// <summary>DNS rebinding: allowed at the first look-up, forbidden at the next.</summary>
    [Fact]
    public async Task Connect_NameChangesBetweenLookUps_IsLookedUpOnceForAConnectionAndJudgedAnewForTheNext()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var lookUps = 0;
        await using var sender = new Sender(
            options => options.ConnectionLifetime = TimeSpan.FromSeconds(1),
            Sender.Names(_ => Interlocked.Increment(ref lookUps) == 1 ? [IPAddress.Loopback] : [Metadata]));
        var url = $"http://rebinding.example:{receiver.Port}/";
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync(url)).Outcome);

        // A connection is renewed though it is in use all the time, and its name judged by what it means then.
        AttemptResult? refused = null;
        await Platform.UntilAsync(async () =>
        {
            refused = await sender.SendAsync(url);
            if (refused.Outcome != AttemptOutcome.Delivered) return true;
            Assert.Equal(1, lookUps);
            return false;
        }, "the connection is renewed");
        Assert.Equal(2, lookUps);
        Assert.Equal(AttemptOutcome.AddressRefused, refused!.Outcome);
        Assert.Contains("169.254.169.254: link-local", refused.Detail);
    }

    [Fact]
    public async Task Connect_NameOfSomeAddressesRefused_UsesTheAllowedOnes()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var sender = new Sender(services: Sender.Names(_ => [Private, Metadata, IPAddress.IPv6Loopback, IPAddress.Loopback]));
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync($"http://mixed.example:{receiver.Port}/")).Outcome);
    }

    [Fact]
    public async Task Connect_AllRefused_NamesThem()
    {
        await using var sender = new Sender(services: Sender.Names(_ => [Private, Metadata]));
        var result = await sender.SendAsync("http://inside.example/");
        Assert.Equal(AttemptOutcome.AddressRefused, result.Outcome);
        Assert.Contains("10.0.0.1: private, 169.254.169.254: link-local", result.Detail);
    }

    [Fact]
    public async Task Connect_FirstAddressDead_TheNextIsUsed()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        // Nothing listens there: refused at once. What is silent is AddressRaceTests' matter.
        await using var sender = new Sender(services: Sender.Names(_ => [IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]));
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync($"http://two.example:{receiver.Port}/")).Outcome);
    }

    [Fact]
    public async Task Connect_NameServerSilent_IsDnsFailedWithinTheTimeForConnecting()
    {
        using var release = new ManualResetEventSlim();
        await using var sender = new Sender(
            options => options.ConnectTimeout = TimeSpan.FromMilliseconds(200),
            Sender.Names(_ =>
            {
                release.Wait();
                return [];
            }));
        var result = await sender.SendAsync("http://silent.example/");
        release.Set();
        Assert.Equal(AttemptOutcome.DnsFailed, result.Outcome);
        Assert.Contains("No name server gave an address of silent.example within 0.2 s", result.Detail);
    }

    [Fact]
    public async Task Connect_NoSuchName_IsDnsFailed()
    {
        await using var sender = new Sender(services: Sender.Names(_ => throw new SocketException((int)SocketError.HostNotFound)));
        var result = await sender.SendAsync("http://none.example/");
        Assert.Equal(AttemptOutcome.DnsFailed, result.Outcome);
        Assert.Contains("none.example has no address", result.Detail);
    }

    /// <summary>Not tried by setting HTTP_PROXY: that would reach into every other test of the process.</summary>
    [Fact]
    public async Task Proxy_NoneConfigured_TheHandlerUsesNone()
    {
        await using var sender = new Sender();
        using var handler = sender.Get<GuardedConnection>().CreateHandler();
        Assert.Equal((false, null), (handler.UseProxy, handler.Proxy));
    }

    [Fact]
    public async Task Proxy_Configured_GetsEverythingAndItsCredentials()
    {
        await using var proxy = await ScriptedReceiver.StartAsync();
        proxy.Enqueue(ScriptedAnswer.Of(407).WithHeader("Proxy-Authenticate", "Basic realm=\"egress\""));
        await using var sender = new Sender(options =>
        {
            options.AllowedNetworks.Clear();
            options.Proxy = new Uri($"http://we:s%3Acret@127.0.0.1:{proxy.Port}");
            options.ProxyJudgesAddresses = true;
        });
        Assert.Equal(AttemptOutcome.Delivered, (await sender.SendAsync("http://only-the-proxy-knows.example/hooks")).Outcome);
        var request = proxy.Requests[^1];
        Assert.Equal("http://only-the-proxy-knows.example/hooks", request.Path);
        Assert.Equal("Basic " + Convert.ToBase64String("we:s:cret"u8), request.Header("Proxy-Authorization"));
    }

    [Fact]
    public async Task Proxy_RefusesToConnect_IsConnectFailed()
    {
        await using var proxy = await ScriptedReceiver.StartAsync();
        proxy.Respond(_ => ScriptedAnswer.Of(403));
        await using var sender = new Sender(options => (options.Proxy, options.ProxyJudgesAddresses) = (new Uri($"http://127.0.0.1:{proxy.Port}"), true));
        var result = await sender.SendAsync("https://inside.example/");
        Assert.Equal(AttemptOutcome.ConnectFailed, result.Outcome);
        Assert.Contains("403", result.Detail);
    }
}
