using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Signing;

namespace Webhooks.Bench.Receiving;

/// <summary>Verifying a request of 1 KB beside the one thing that it cannot do without: HMAC-SHA256 over the same bytes.</summary>
internal static class VerifyRounds
{
    private const int Times = 50_000;

    public static void Run(Report report, int rounds)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        var secrets = new[] { WebhookSecret.FromBytes(key) };
        var now = DateTimeOffset.UtcNow;
        var (id, timestamp) = ("evt_0123456789abcdef", now.ToUnixTimeSeconds());
        var body = Payload.Envelope(id, "ep_bench", 1, 1);
        var text = timestamp.ToString(CultureInfo.InvariantCulture);
        var signature = WebhookSigner.Sign(id, timestamp, body, secrets);
        byte[] content = [.. Encoding.ASCII.GetBytes($"{id}.{text}."), .. body];
        var mac = new byte[32];

        void Raw() => HMACSHA256.HashData(key, content, mac);
        bool Verify() => WebhookVerifier.Verify(id, text, signature, body, secrets, now).IsValid;

        report.Require(Verify(), "a valid request was not verified");
        var (raws, verifies, signs) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -2; round < rounds; round++)
        {
            var raw = Time(Raw);
            var verify = Time(() => Verify());
            var sign = Time(() => WebhookSigner.Sign(id, timestamp, body, secrets));
            // The first ones are for the runtime to compile what it sees is used.
            if (round < 0) continue;
            raws.Add(raw);
            verifies.Add(verify);
            signs.Add(sign);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Times; i++) _ = WebhookVerifier.Verify(id, text, signature, body, secrets, now);
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;

        report.Add("verify_body_bytes", body.Length, "bytes of the body that is verified");
        report.Add("hmac_ns", new Distribution(raws).Median, "HMACSHA256.HashData over the same bytes", 0);
        report.Add("verify_ns", new Distribution(verifies).Median, "WebhookVerifier.Verify, one secret", 0);
        report.Add("verify_vs_hmac", Ratio(verifies, raws), "median over pairs of rounds; target at most 1.3");
        report.Add("verify_bytes", bytes / Times, "bytes allocated by each verification; target 0");
        report.Add("sign_vs_hmac", Ratio(signs, raws), "WebhookSigner.Sign, one secret");
    }

    private static double Ratio(List<double> of, List<double> to) => new Distribution(of.Zip(to, (one, other) => one / other)).Median;

    private static double Time(Action action)
    {
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Times; i++) action();
        return Stopwatch.GetElapsedTime(began).TotalNanoseconds / Times;
    }
}
