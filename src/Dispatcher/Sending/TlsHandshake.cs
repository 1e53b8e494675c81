using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Webhooks.Dispatcher.Sending;

/// <summary>The certificates of issuers that are trusted instead of the machine's: none, but in tests.</summary>
internal sealed record TrustedRoots(X509Certificate2Collection Roots)
{
    public static readonly TrustedRoots OfTheMachine = new([]);
}

/// <summary>Makes a connection secure, or says why not. TLS 1.2 at least; a certificate with anything wrong is never accepted.</summary>
internal sealed class TlsHandshake(DatabaseClock clock, TrustedRoots trust)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public async Task<SslStream> SecureAsync(Stream connection, string host, CancellationToken cancel)
    {
        ConnectFailure? refused = null;
        // By the database's clock, as all that is signed: a node whose own is wrong must not find its customers' certificates expired.
        var options = Options(clock.Now, failure => refused = failure);
        options.TargetHost = host;
        options.ApplicationProtocols = [SslApplicationProtocol.Http11];
        var secure = new SslStream(connection);
        try
        {
            await secure.AuthenticateAsClientAsync(options, cancel);
            return secure;
        }
        catch (Exception exception)
        {
            await secure.DisposeAsync();
            if (refused is not null) throw refused;
            if (exception is OperationCanceledException) throw;
            throw new ConnectFailure(AttemptOutcome.TlsFailed, $"No TLS with {host}: {Innermost(exception).Message}", exception);
        }
    }

    /// <summary>For the handler itself, which makes TLS connections through a proxy by itself.</summary>
    public SslClientAuthenticationOptions ThroughProxy() => Options(null, failure => throw failure);

    private SslClientAuthenticationOptions Options(DateTimeOffset? at, Action<ConnectFailure> refuse) => new()
    {
#pragma warning disable CA5398 // "Whatever the machine allows" may be less.
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
        CertificateChainPolicy = Policy(at),
        RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
        {
            if (errors == SslPolicyErrors.None) return true;
            var status = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status) ?? X509ChainStatusFlags.NoError;
            refuse(CertificateJudge.Judge(((SslStream)sender).TargetHostName, certificate as X509Certificate2, status, errors, at ?? clock.Now));
            return false;
        },
    };

    private X509ChainPolicy Policy(DateTimeOffset? at)
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            // A certificate names addresses where its issuers' can be fetched. Fetching is calling what the address policy has not seen.
            DisableCertificateDownloads = true,
            ApplicationPolicy = { new Oid(ServerAuthentication) },
        };
        if (at is { } time) policy.VerificationTime = time.LocalDateTime;
        if (trust.Roots.Count == 0) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(trust.Roots);
        return policy;
    }

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner) exception = inner;
        return exception;
    }
}
