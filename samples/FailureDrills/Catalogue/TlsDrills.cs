using System.Security.Authentication;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Links;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;
using static Webhooks.FailureDrills.Links.LinkSteps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Endpoints whose TLS is not what it should be: refused by name, never lowered, and well again once the customer has mended it.</summary>
internal static class TlsDrills
{
    private static readonly TlsOffer Good = new(Certificates.Good) { Host = Certificates.Host };

    public static IReadOnlyList<Drill> All { get; } =
    [
        Wrong("tls-expired", "An expired certificate is refused as such, and nothing is sent over it",
            Good with { Certificate = Certificates.Expired }, "tls_expired", "expired on", """
            The customer forgot to renew its certificate. No event is sent over a connection that cannot be trusted; the evidence names the date. After the
            renewal, all that was held is delivered.
            """),
        Wrong("tls-self-signed", "A self-signed certificate is refused as such, and nothing is sent over it",
            Good with { Certificate = Certificates.SelfSigned }, "tls_untrusted", "self-signed", """
            The customer's server shows a certificate that it made itself: anybody between could show another. Nothing is sent over it.
            """),
        Wrong("tls-wrong-host", "A certificate of another host is refused as such, and nothing is sent over it",
            Good with { Certificate = Certificates.OfAnotherHost }, "tls_wrong_host", "other.example", """
            The load balancer of the customer shows the certificate of another of its hosts. It is not the one that was to be called, so nothing is sent; the
            evidence names both.
            """),
#pragma warning disable SYSLIB0039, CA5397 // It is what is rehearsed.
        Wrong("tls-too-old", "A server that knows only an old protocol is refused", Good with { Protocols = SslProtocols.Tls11 }, "tls_failed", "No TLS with", """
            The customer's server is so old that it offers TLS 1.1 and nothing later. The dispatcher goes no lower than 1.2, so there is no connection until the
            server is renewed.
            """) with { Bites = [] },
#pragma warning restore SYSLIB0039, CA5397
    ];

    private static Drill Wrong(string name, string proves, TlsOffer offer, string outcome, string evidence, string story) => new(name, proves)
    {
        Tags = ["network", "tls"],
        Story = story,
        Tls = offer,
        Services = Certificates.Trust,
        Steps =
        [
            Publish(2), Until(See.Paused(PauseReason.Failing, evidence)),
            Do("the customer mends it", stage =>
            {
                stage.Target.Stub.Show(Good);
                return Task.CompletedTask;
            }),
            Resume(), Until(See.Delivered(2)),
        ],
        Expect = [See.Arrived(1, 2), FailedAs(outcome)],
        Bites = ["tls-trust"],
    };
}
