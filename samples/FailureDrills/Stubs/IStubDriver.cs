using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Webhooks.FailureDrills.Declaring;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs;

/// <summary>Somebody who can play the customer's side: the seam between drills and stub servers.</summary>
internal interface IStubDriver : IAsyncDisposable
{
    /// <summary>As on the command line: <c>wiremock</c>, <c>wiremock-net</c>, <c>scripted</c>.</summary>
    string Name { get; }

    /// <summary>What it can do.</summary>
    Can Can { get; }

    /// <summary>A stub of its own for one endpoint of one drill.</summary>
    Task<IStub> OpenAsync(StubOpening opening, CancellationToken cancel);
}

/// <summary>What a stub is opened with.</summary>
/// <param name="Script">What it answers, scaled already.</param>
/// <param name="Tls">Serves https; null for http.</param>
internal sealed record StubOpening(Script Script, TlsOffer? Tls = null);

/// <summary>What an https stub shows.</summary>
/// <param name="Certificate">Makes the certificate, with its key.</param>
/// <param name="Protocols">The protocols it takes; none for what the system takes.</param>
internal sealed record TlsOffer(Func<X509Certificate2> Certificate, SslProtocols Protocols = SslProtocols.None)
{
    /// <summary>The host in the endpoint's URL.</summary>
    public string Host { get; init; } = "127.0.0.1";

    public IReadOnlyList<SslApplicationProtocol> Alpn { get; init; } = [];
}

/// <summary>A stub: the URL that an endpoint calls, its script and its journal.</summary>
internal interface IStub : IAsyncDisposable
{
    Uri Url { get; }

    /// <summary>Plays another script from its beginning.</summary>
    Task PlayAsync(Script script, CancellationToken cancel);

    /// <summary>All requests so far, in the order of their arrival.</summary>
    Task<IReadOnlyList<StubRequest>> JournalAsync(CancellationToken cancel);

    /// <summary>Where requests that are to be passed on go.</summary>
    Task ForwardToAsync(Uri receiver, CancellationToken cancel);

    /// <summary>Shows another certificate to connections from now on.</summary>
    void Show(TlsOffer tls) => throw new NotSupportedByDriverException("its certificate is not the drill's");

    /// <summary>Closes the port.</summary>
    Task StopAsync();

    /// <summary>Opens it again, with script and journal as they were.</summary>
    Task StartAgainAsync();
}

/// <summary>A request as a stub saw it.</summary>
/// <param name="Request">The request.</param>
/// <param name="Answer">What it was answered, for people.</param>
internal sealed record StubRequest(CapturedRequest Request, string Answer);
