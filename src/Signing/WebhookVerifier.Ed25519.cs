using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Webhooks.Signing;

/// <summary>Signatures of version <c>v1a</c>.</summary>
public static partial class WebhookVerifier
{
    /// <summary>
    /// How many pairs of a <c>v1a</c> entry and a public key are tried for one message. Each costs as much as many HMACs and reads the whole body, so a sender who
    /// is not known yet may not ask for all that its header and the secrets could make.
    /// </summary>
    public const int MaxPublicKeyChecks = 32;

    /// <summary>Whether one of the candidates is a signature by the key. A signature has one spelling.</summary>
    private static bool IsMadeBy(
        WebhookKey key, ReadOnlySpan<byte> content, ReadOnlySpan<char> header, ReadOnlySpan<Range> candidates, ref int checksLeft)
    {
        Span<byte> given = stackalloc byte[SignedContent.SignatureChars];
        Span<byte> again = stackalloc byte[SignedContent.SignatureChars];
        // Two more than a signature has, since the decoder wants room for what the padding stands for.
        Span<byte> decoded = stackalloc byte[SignedContent.SignatureBytes + 2];
        foreach (var range in candidates)
        {
            if (header[range].Length != SignedContent.SignatureChars || Ascii.FromUtf16(header[range], given, out _) != OperationStatus.Done
                || Base64.DecodeFromUtf8(given, decoded, out _, out var bytes) != OperationStatus.Done || bytes != SignedContent.SignatureBytes) continue;
            Base64.EncodeToUtf8(decoded[..bytes], again, out _, out _);
            if (!given.SequenceEqual(again)) continue;
            if (--checksLeft < 0) return false;
            if (key.Verify(content, decoded[..bytes])) return true;
        }

        return false;
    }
}
