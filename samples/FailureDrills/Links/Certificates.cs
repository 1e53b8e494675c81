using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.FailureDrills.Links;

/// <summary>An issuer of certificates that the dispatcher of a drill trusts, and what it issues.</summary>
internal static class Certificates
{
    public const string Host = "localhost";

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly Lazy<X509Certificate2> Issuer = new(MakeIssuer);

    /// <summary>Has the dispatcher trust the issuer instead of the machine's.</summary>
    public static void Trust(IServiceCollection services) => services.AddSingleton(new TrustedRoots([Issuer.Value]));

    /// <summary>One with nothing wrong.</summary>
    public static X509Certificate2 Good() => Issue(Host, -10 * Day, 10 * Day);

    public static X509Certificate2 Expired() => Issue(Host, -10 * Day, -Day);

    public static X509Certificate2 OfAnotherHost() => Issue("other.example", -10 * Day, 10 * Day);

    public static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return WithKey(Request(Host, key).CreateSelfSigned(DateTimeOffset.UtcNow - Day, DateTimeOffset.UtcNow + Day));
    }

    private static X509Certificate2 Issue(string host, TimeSpan from, TimeSpan to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(host, key);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Issuer.Value, true, false));
        using var issued = request.Create(Issuer.Value, DateTimeOffset.UtcNow + from, DateTimeOffset.UtcNow + to, RandomNumberGenerator.GetBytes(8));
        return WithKey(issued.CopyWithPrivateKey(key));
    }

    private static CertificateRequest Request(string host, ECDsa key)
    {
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], false));
        return request;
    }

    private static X509Certificate2 MakeIssuer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Failure Drills", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return WithKey(request.CreateSelfSigned(DateTimeOffset.UtcNow - (100 * Day), DateTimeOffset.UtcNow + (100 * Day)));
    }

    // Some systems serve TLS only with a key that has been stored and loaded.
    private static X509Certificate2 WithKey(X509Certificate2 certificate)
    {
        using (certificate) return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
