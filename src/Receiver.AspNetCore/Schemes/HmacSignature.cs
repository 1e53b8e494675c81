using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>HMAC-SHA256 signatures in text, as most senders have them. Texts are compared, so that a signature has one spelling.</summary>
internal static class HmacSignature
{
    private const int MacBytes = 32;
    private const int MaxChars = 64;

    public static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    public static readonly SearchValues<char> Digits = SearchValues.Create("0123456789");

    /// <summary>Characters of a MAC in hex.</summary>
    public const int HexChars = 64;

    /// <summary>Characters of a MAC in base64.</summary>
    public const int Base64Chars = 44;

    public static bool IsHex(ReadOnlySpan<char> text) => text.Length == HexChars && !text.ContainsAnyExcept(HexDigits);

    /// <summary>Finds the secret that made one of the candidates.</summary>
    /// <param name="secrets">The live secrets.</param>
    /// <param name="prefix">What is signed before the body.</param>
    /// <param name="body">The body.</param>
    /// <param name="header">The header with the candidates.</param>
    /// <param name="candidates">Where in it they stand.</param>
    /// <param name="inBase64">Whether they are in base64, and not in hex.</param>
    /// <param name="timestamp">What was signed as the time; 0 without one.</param>
    public static VerificationResult Match(
        ReadOnlySpan<ReceiverSecret> secrets, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, ReadOnlySpan<char> header,
        ReadOnlySpan<Range> candidates, bool inBase64 = false, long timestamp = 0)
    {
        if (secrets.IsEmpty) return new(VerificationStatus.NoSecret, -1, timestamp);
        Span<byte> mac = stackalloc byte[MacBytes];
        Span<char> text = stackalloc char[MaxChars];
        for (var i = 0; i < secrets.Length; i++)
        {
            using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, ((TextSecret)secrets[i]).Key);
            hash.AppendData(prefix);
            hash.AppendData(body);
            hash.GetHashAndReset(mac);
            var written = 0;
            _ = inBase64 ? Convert.TryToBase64Chars(mac, text, out written) : Convert.TryToHexStringLower(mac, text, out written);
            foreach (var range in candidates)
                if (CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(header[range]), MemoryMarshal.AsBytes(text[..written])))
                    return new(VerificationStatus.Valid, i, timestamp);
        }

        return new(VerificationStatus.NoMatchingSignature, -1, timestamp);
    }

    /// <summary>Holds a matched signature's time against the tolerance. What the clock says about an unproven one is nobody's business.</summary>
    public static VerificationResult Within(this VerificationResult matched, DateTimeOffset now, TimeSpan tolerance)
    {
        if (!matched.IsValid) return matched;
        var age = now.ToUnixTimeSeconds() - matched.Timestamp;
        var allowed = tolerance.Ticks / TimeSpan.TicksPerSecond;
        return age > allowed ? matched with { Status = VerificationStatus.TimestampTooOld }
            : age < -allowed ? matched with { Status = VerificationStatus.TimestampTooNew }
            : matched;
    }

    /// <summary>Reads seconds without sign, space or leading zero: a second spelling of the same number would be signed differently.</summary>
    public static bool TryReadSeconds(ReadOnlySpan<char> text, out long seconds)
    {
        seconds = 0;
        if (text.Length is 0 or > 12 || (text.Length > 1 && text[0] == '0') || text.ContainsAnyExcept(Digits)) return false;
        foreach (var digit in text) seconds = (seconds * 10) + (digit - '0');
        return true;
    }
}
