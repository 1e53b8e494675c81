using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Webhooks.Signing;

/// <summary>
/// Verifies Standard Webhooks messages over the exact bytes received, with any of several secrets. It never throws for what a sender sent:
/// a malformed entry beside a valid one is skipped, and everything else is a <see cref="VerificationStatus"/>. Allocates nothing.
/// </summary>
public static partial class WebhookVerifier
{
    /// <summary>How far a timestamp may lie from now, on either side, unless stated otherwise: five minutes, as every Standard Webhooks library has it.</summary>
    public static readonly TimeSpan DefaultTolerance = TimeSpan.FromMinutes(5);

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789");

    /// <summary>The greatest number of entries read from a signature header.</summary>
    public const int MaxSignatures = 16;

    /// <summary>The greatest length of a signature header, in characters.</summary>
    public const int MaxSignatureHeaderLength = 4096;

    /// <summary>Verifies signature and timestamp.</summary>
    /// <param name="id">The value of <c>webhook-id</c>.</param>
    /// <param name="timestamp">The value of <c>webhook-timestamp</c>.</param>
    /// <param name="signature">The value of <c>webhook-signature</c>.</param>
    /// <param name="body">The bytes received.</param>
    /// <param name="secrets">The live secrets.</param>
    /// <param name="now">The time to hold the timestamp against.</param>
    /// <param name="tolerance">How far it may lie from <paramref name="now"/>, both sides included, in whole seconds; default five minutes.</param>
    /// <param name="prefix">Bytes signed before the body, for the messages of <see cref="SignedContent"/>; none for a delivery.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tolerance is negative.</exception>
    public static VerificationResult Verify(
        ReadOnlySpan<char> id, ReadOnlySpan<char> timestamp, ReadOnlySpan<char> signature, ReadOnlySpan<byte> body,
        ReadOnlySpan<WebhookSecret> secrets, DateTimeOffset now, TimeSpan? tolerance = null, ReadOnlySpan<byte> prefix = default)
    {
        var within = tolerance ?? DefaultTolerance;
        // Before it is cut to seconds: half a second below zero is a mistake too.
        ArgumentOutOfRangeException.ThrowIfLessThan(within, TimeSpan.Zero, nameof(tolerance));
        var allowed = within.Ticks / TimeSpan.TicksPerSecond;
        var result = VerifyIgnoringTimestamp(id, timestamp, signature, body, secrets, prefix);
        if (!result.IsValid) return result;

        // Only now: what the clock says about an unproven message is nobody's business.
        var age = now.ToUnixTimeSeconds() - result.Timestamp;
        return age > allowed ? result with { Status = VerificationStatus.TimestampTooOld }
            : age < -allowed ? result with { Status = VerificationStatus.TimestampTooNew }
            : result;
    }

    /// <summary>Verifies the signature alone, for messages kept and looked at later. The timestamp must still be well formed: it is signed.</summary>
    /// <inheritdoc cref="Verify"/>
    public static VerificationResult VerifyIgnoringTimestamp(
        ReadOnlySpan<char> id, ReadOnlySpan<char> timestamp, ReadOnlySpan<char> signature, ReadOnlySpan<byte> body,
        ReadOnlySpan<WebhookSecret> secrets, ReadOnlySpan<byte> prefix = default)
    {
        if (id.IsEmpty) return new(VerificationStatus.MissingId);
        if (!SignedContent.IsValidId(id)) return new(VerificationStatus.MalformedId);
        if (timestamp.IsEmpty) return new(VerificationStatus.MissingTimestamp);
        if (!TryParseCanonical(timestamp, out var seconds)) return new(VerificationStatus.MalformedTimestamp);
        if (signature.IsEmpty) return new(VerificationStatus.MissingSignature, -1, seconds);
        if (signature.Length > MaxSignatureHeaderLength) return new(VerificationStatus.TooManySignatures, -1, seconds);
        if (secrets.IsEmpty) return new(VerificationStatus.NoSecret, -1, seconds);

        var (hasHmac, hasEd25519) = (false, false);
        foreach (var secret in secrets)
        {
            if (secret.Kind == WebhookSecretKind.Hmac) hasHmac = true;
            else hasEd25519 = true;
        }

        Span<Range> candidates = stackalloc Range[MaxSignatures];
        var status = FindCandidates(signature, hasHmac, hasEd25519, candidates, out var count);
        if (status != VerificationStatus.Valid) return new(status, -1, seconds);

        var content = SignedContent.Rent(id, timestamp, prefix, body, out var length);
        try
        {
            Span<byte> expected = stackalloc byte[SignedContent.MacChars];
            Span<byte> given = stackalloc byte[SignedContent.MacChars];
            var checksLeft = MaxPublicKeyChecks;
            for (var i = 0; i < secrets.Length; i++)
            {
                if (secrets[i].Kind != WebhookSecretKind.Hmac)
                {
                    if (IsMadeBy(secrets[i].Supplied, content.AsSpan(0, length), signature, candidates[..count], ref checksLeft))
                        return new(VerificationStatus.Valid, i, seconds);
                    continue;
                }

                SignedContent.Mac(secrets[i], content.AsSpan(0, length), expected);
                // The base64 text is compared, not the bytes: a MAC has one spelling here. What is not ASCII is none, and so no signature.
                foreach (var range in candidates[..count])
                    if (signature[range].Length == SignedContent.MacChars && Ascii.FromUtf16(signature[range], given, out _) == OperationStatus.Done && CryptographicOperations.FixedTimeEquals(given, expected))
                        return new(VerificationStatus.Valid, i, seconds);
            }

            return new(VerificationStatus.NoMatchingSignature, -1, seconds);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    /// <summary>
    /// Finds the entries <c>v1,&lt;44 characters&gt;</c> and <c>v1a,&lt;88 characters&gt;</c> for which there is a secret, skipping whatever else stands in the header.
    /// </summary>
    private static VerificationStatus FindCandidates(
        ReadOnlySpan<char> signature, bool hasHmac, bool hasEd25519, Span<Range> candidates, out int count)
    {
        count = 0;
        var entries = 0;
        var wellFormed = false;
        var known = false;
        foreach (var range in signature.Split(' '))
        {
            var entry = signature[range];
            if (entry.IsEmpty) continue;
            if (++entries > MaxSignatures) return VerificationStatus.TooManySignatures;
            var comma = entry.IndexOf(',');
            if (comma <= 0 || comma == entry.Length - 1) continue;
            wellFormed = true;
            int chars;
            if (hasHmac && entry[..comma].SequenceEqual("v1")) chars = SignedContent.MacChars;
            else if (hasEd25519 && entry[..comma].SequenceEqual("v1a")) chars = SignedContent.SignatureChars;
            else continue;
            known = true;
            if (entry.Length == comma + 1 + chars) candidates[count++] = new Range(range.Start.Value + comma + 1, range.End);
        }

        return !wellFormed ? VerificationStatus.MalformedSignature
            : !known ? VerificationStatus.UnknownVersion
            : count == 0 ? VerificationStatus.NoMatchingSignature
            : VerificationStatus.Valid;
    }

    /// <summary>Reads decimal digits without sign, space or leading zero: a second spelling of the same number would be signed differently.</summary>
    private static bool TryParseCanonical(ReadOnlySpan<char> text, out long seconds)
    {
        seconds = 0;
        if (text.Length > SignedContent.MaxTimestampDigits || (text.Length > 1 && text[0] == '0') || text.ContainsAnyExcept(Digits))
            return false;
        foreach (var digit in text) seconds = (seconds * 10) + (digit - '0');
        return true;
    }
}
