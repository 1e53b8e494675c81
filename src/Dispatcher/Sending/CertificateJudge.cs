using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Webhooks.Dispatcher.Sending;

/// <summary>What is wrong with a certificate, in one word and in words for people; pure. It only names: what the platform finds wrong is never accepted.</summary>
internal static class CertificateJudge
{
    private const X509ChainStatusFlags Time = X509ChainStatusFlags.NotTimeValid;
    private const int MostNames = 5;

    public static ConnectFailure Judge(string host, X509Certificate2? certificate, X509ChainStatusFlags chain, SslPolicyErrors errors, DateTimeOffset now)
    {
        if (certificate is null) return new ConnectFailure(AttemptOutcome.TlsFailed, $"{host} showed no certificate.");
        var problems = new List<string>();
        var expired = (chain & Time) != 0;
        if (expired)
        {
            problems.Add(now > certificate.NotAfter ? $"expired on {Date(certificate.NotAfter)}"
                : now < certificate.NotBefore ? $"not valid before {Date(certificate.NotBefore)}"
                : "a certificate of its issuers has expired, or is not valid yet");
        }

        var wrongHost = errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch);
        if (wrongHost) problems.Add($"made out to {Names(certificate)} and not to {host}");
        var rest = chain & ~Time;
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) && (rest != 0 || !expired))
        {
            problems.Add(certificate.Subject == certificate.Issuer ? "self-signed"
                : (rest & X509ChainStatusFlags.PartialChain) != 0 ? "of an issuer that is unknown here, or sent without the certificates between it and a known one"
                : $"not trusted ({rest})");
        }

        return new ConnectFailure(
            expired ? AttemptOutcome.TlsExpired : wrongHost ? AttemptOutcome.TlsWrongHost : AttemptOutcome.TlsUntrusted,
            $"The certificate of {host} is {string.Join(", and ", problems)}. Subject {certificate.Subject}, issuer {certificate.Issuer}, " +
            $"valid from {Date(certificate.NotBefore)} to {Date(certificate.NotAfter)}.");
    }

    private static string Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString()))).ToList();
        return names.Count == 0 ? "no name" : string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");
    }

    private static string Date(DateTime local) => local.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", System.Globalization.CultureInfo.InvariantCulture);
}
