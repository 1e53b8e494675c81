using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>What is wrong with an endpoint's TLS, each by its name and with what a person needs to mend it; nothing wrong is ever accepted.</summary>
public sealed class TlsTests : IDisposable
{
    private const string Host = "hooks.example";
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("hooks.example")]
    [InlineData("hooks.example.")]
    [InlineData("127.0.0.1")]
    public async Task Send_TrustedCertificate_IsDelivered(string host)
    {
        await using var server = await Server.StartAsync(_authority.Issue(host.TrimEnd('.')));
        await using var sender = NewSender();
        Assert.Equal((AttemptOutcome.Delivered, ""), await SendAsync(sender, server, host));
    }

    public static TheoryData<string, string[]> Wrong => new()
    {
        { "tls_expired", ["expired on", "CN=hooks.example", "CN=Test Authority", "UTC"] },
        { "tls_expired future", ["not valid before"] },
        { "tls_wrong_host", ["made out to other.example and not to hooks.example"] },
        { "tls_untrusted self-signed", ["self-signed", "issuer CN=hooks.example"] },
        { "tls_untrusted stranger", ["issuer that is unknown here", "CN=Stranger"] },
        { "tls_expired and wrong host", ["expired on", "made out to other.example"] },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Send_SomethingWrong_IsRefusedByItsName(string what, string[] says)
    {
        using var stranger = new TestAuthority("Stranger");
        await using var server = await Server.StartAsync(what switch
        {
            "tls_expired" => _authority.Issue(Host, to: TimeSpan.FromHours(-1)),
            "tls_expired future" => _authority.Issue(Host, from: TimeSpan.FromHours(1)),
            "tls_wrong_host" => _authority.Issue("other.example"),
            "tls_untrusted self-signed" => TestAuthority.SelfSigned(Host),
            "tls_untrusted stranger" => stranger.Issue(Host),
            _ => _authority.Issue("other.example", to: TimeSpan.FromHours(-1)),
        });
        await using var sender = NewSender();
        var (outcome, detail) = await SendAsync(sender, server);
        Assert.Equal(what.Split(' ')[0], outcome.Word());
        Assert.All(says, part => Assert.Contains(part, detail));
        Assert.Equal(0, server.Requests);
    }

    /// <summary>The machine's own trust holds where no test says otherwise.</summary>
    [Fact]
    public async Task Send_IssuerUnknownToTheMachine_IsUntrusted()
    {
        await using var server = await Server.StartAsync(_authority.Issue(Host));
        await using var sender = new Sender(services: Sender.Names(_ => [IPAddress.Loopback]));
        Assert.Equal(AttemptOutcome.TlsUntrusted, (await SendAsync(sender, server)).Outcome);
    }

    /// <summary>A certificate may name an address from which to fetch its issuer's: that is a call to wherever the endpoint likes.</summary>
    [Fact]
    public async Task Send_CertificateNamesAnAddressToFetchFrom_NothingIsFetched()
    {
        using var issuers = new TcpListener(IPAddress.Loopback, 0);
        issuers.Start();
        using var stranger = new TestAuthority("Stranger");
        using var certificate = stranger.Issue(Host, issuersAt: new Uri($"http://{issuers.LocalEndpoint}/issuer.crt"));
        // Not Kestrel, which would fetch it itself in order to send it.
        var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            await using var connection = new SslStream(new NetworkStream(await listener.AcceptSocketAsync(), ownsSocket: true));
            await connection.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context });
            await connection.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
        });
        await using var sender = NewSender();
        var result = await sender.SendAsync($"https://{Host}:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        Assert.Equal(AttemptOutcome.TlsUntrusted, result.Outcome);
        Assert.False(issuers.Pending());
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task Send_OnlyOldProtocols_IsRefused()
    {
#pragma warning disable SYSLIB0039, CA5397
        await using var server = await Server.StartAsync(_authority.Issue(Host), SslProtocols.Tls11);
#pragma warning restore SYSLIB0039, CA5397
        await using var sender = NewSender();
        var (outcome, detail) = await SendAsync(sender, server);
        Assert.Equal(AttemptOutcome.TlsFailed, outcome);
        Assert.Contains("No TLS with hooks.example", detail);
    }

    [Fact]
    public async Task Send_TakesTheConnectionAndIsSilent_EndsInTheTimeForConnecting()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var sender = NewSender(options => options.ConnectTimeout = TimeSpan.FromMilliseconds(200));
        var result = await sender.SendAsync($"https://{Host}:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        Assert.Equal(AttemptOutcome.ConnectTimedOut, result.Outcome);
        Assert.Contains("did not answer in TLS within 0.2 s", result.Detail);
    }

    [Fact]
    public async Task Send_ClosesInTheHandshake_IsTlsFailed()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var closing = Task.Run(async () =>
        {
            using var accepted = await listener.AcceptSocketAsync();
        });
        await using var sender = NewSender();
        Assert.Equal(AttemptOutcome.TlsFailed, (await sender.SendAsync($"https://{Host}:{((IPEndPoint)listener.LocalEndpoint).Port}/")).Outcome);
        await closing;
    }

    /// <summary>A node with a wrong clock asks the database's: its customers' certificates have not all expired.</summary>
    [Fact]
    public async Task Send_OwnClockIsOff_CertificateIsJudgedByTheDatabases()
    {
        await using var server = await Server.StartAsync(_authority.Issue(Host, TimeSpan.FromMinutes(-5), TimeSpan.FromMinutes(5)));
        await using var sender = NewSender(services: services => services.AddSingleton<TimeProvider>(new ShiftedClock(TimeSpan.FromMinutes(10))));
        Assert.Equal(AttemptOutcome.TlsExpired, (await SendAsync(sender, server)).Outcome);
        sender.Get<DatabaseClock>().Measured(DateTimeOffset.UtcNow, TimeSpan.Zero);
        Assert.Equal(AttemptOutcome.Delivered, (await SendAsync(sender, server)).Outcome);
    }

    private static async Task<(AttemptOutcome Outcome, string Detail)> SendAsync(Sender sender, Server server, string host = Host)
    {
        var result = await sender.SendAsync($"https://{host}:{server.Port}/");
        return (result.Outcome, result.Detail);
    }

    private Sender NewSender(Action<SendingOptions>? configure = null, Action<IServiceCollection>? services = null) => new(configure, collection =>
    {
        Sender.Names(_ => [IPAddress.Loopback])(collection);
        collection.AddSingleton(new TrustedRoots([_authority.Certificate]));
        services?.Invoke(collection);
    });

    private sealed class Server(WebApplication app) : IAsyncDisposable
    {
        private int _requests;

        public int Requests => Volatile.Read(ref _requests);

        public int Port => new Uri(app.Urls.First()).Port;

        public static async Task<Server> StartAsync(X509Certificate2 certificate, SslProtocols protocols = SslProtocols.None)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseKestrelHttpsConfiguration();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate, https => https.SslProtocols = protocols)));
            var server = new Server(builder.Build());
            server.Map();
            await server.RunAsync();
            return server;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private void Map() => app.Run(context =>
        {
            Interlocked.Increment(ref _requests);
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        });

        private Task RunAsync() => app.StartAsync();
    }
}
