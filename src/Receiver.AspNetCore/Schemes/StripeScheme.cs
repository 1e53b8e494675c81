using System.Text;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>Stripe: <c>t=…,v1=…</c> signs time and body, with an entry for each live secret. Id and type stand in the body.</summary>
internal sealed class StripeScheme : IWebhookScheme
{
    private const string Signature = "Stripe-Signature";
    private const int MaxEntries = WebhookVerifier.MaxSignatures;

    public string Name => "Stripe";

    public IReadOnlyList<string> Headers { get; } = [Signature];

    public bool Takes(string mediaType) => mediaType == "application/json";

    /// <summary>With its <c>whsec_</c>: unlike in Standard Webhooks, the written secret is itself the key.</summary>
    public ReceiverSecret ReadSecret(string text) => TextSecret.Parse(text);

    public VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance)
    {
        var header = request.Header(Signature).AsSpan();
        if (header.IsEmpty) return new(VerificationStatus.MissingSignature);
        Span<Range> candidates = stackalloc Range[MaxEntries];
        var status = ReadHeader(header, candidates, out var count, out var time);
        if (status != VerificationStatus.Valid) return new(status);

        if (!HmacSignature.TryReadSeconds(header[time], out var seconds)) return new(VerificationStatus.MalformedTimestamp);
        Span<byte> prefix = stackalloc byte[header[time].Length + 1];
        Encoding.ASCII.GetBytes(header[time], prefix);
        prefix[^1] = (byte)'.';
        return HmacSignature.Match(secrets, prefix, request.Body.Span, header, candidates[..count], timestamp: seconds).Within(request.ReceivedAt, tolerance);
    }

    public WebhookReading Read(WebhookRequest request)
    {
        var found = new string?[2];
        return JsonMembers.TryRead(request.Body.Span, ["id", "type"], found, out var error)
            ? WebhookReading.Event(found[0], found[1], request)
            : WebhookReading.Malformed(error!);
    }

    /// <summary>Finds the one time, and the signatures of the version that counts; entries of others are passed over.</summary>
    private static VerificationStatus ReadHeader(ReadOnlySpan<char> header, Span<Range> candidates, out int count, out Range time)
    {
        (count, time) = (0, default);
        var (entries, times, wellFormed) = (0, 0, 0);
        foreach (var range in header.Split(','))
        {
            if (++entries > MaxEntries) return VerificationStatus.TooManySignatures;
            var entry = header[range];
            var equals = entry.IndexOf('=');
            if (equals <= 0 || equals == entry.Length - 1) continue;
            var value = new Range(range.Start.Value + equals + 1, range.End);
            if (entry[..equals].SequenceEqual("t"))
            {
                times++;
                time = value;
                continue;
            }

            wellFormed++;
            if (entry[..equals].SequenceEqual("v1") && HmacSignature.IsHex(header[value])) candidates[count++] = value;
        }

        return times == 0 ? VerificationStatus.MissingTimestamp
            : times > 1 ? VerificationStatus.MalformedTimestamp
            : wellFormed == 0 ? VerificationStatus.MalformedSignature
            : count == 0 ? VerificationStatus.UnknownVersion
            : VerificationStatus.Valid;
    }
}
