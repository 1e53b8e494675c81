using System.Buffers;
using System.Globalization;
using System.Text;

namespace Webhooks.Signing;

/// <summary>
/// Signs messages as the Standard Webhooks specification says, over <c>id.timestamp.body</c>: version <c>v1</c> with a symmetric secret, <c>v1a</c> with the private half
/// of an Ed25519 pair.
/// </summary>
public static class WebhookSigner
{
    /// <summary>The greatest number of secrets that sign one message.</summary>
    public const int MaxSecrets = 16;

    /// <summary>Gives the value of <c>webhook-signature</c>: one entry for each secret, in their order. One allocation, the answer.</summary>
    /// <param name="id">The message id: visible ASCII without a full stop.</param>
    /// <param name="timestamp">Unix time of this attempt, in seconds.</param>
    /// <param name="body">The exact bytes that go on the wire.</param>
    /// <param name="secrets">The live secrets, newest first; 1 to 16.</param>
    /// <param name="prefix">Bytes signed before the body, for the messages of <see cref="SignedContent"/>; none for a delivery.</param>
    /// <exception cref="ArgumentException">The id has characters it must not have, the timestamp is negative or has more than 12 digits,
    /// there are no secrets or too many, or one of them is a public key, which only verifies.</exception>
    public static string Sign(
        ReadOnlySpan<char> id, long timestamp, ReadOnlySpan<byte> body, ReadOnlySpan<WebhookSecret> secrets,
        ReadOnlySpan<byte> prefix = default)
    {
        if (!SignedContent.IsValidId(id))
            throw new ArgumentException(SignedContent.IdRule, nameof(id));
        if (timestamp is < 0 or > SignedContent.MaxTimestamp)
            throw new ArgumentOutOfRangeException(
                nameof(timestamp), timestamp, "A webhook timestamp is 0 to 999999999999 seconds; more digits are usually milliseconds.");
        if (secrets.Length is 0 or > MaxSecrets)
            throw new ArgumentException($"A message is signed with 1 to {MaxSecrets} secrets; there are {secrets.Length}.", nameof(secrets));

        var room = -1;
        foreach (var secret in secrets)
        {
            if (!secret.CanSign)
                throw new ArgumentException($"A public key ({WebhookSecret.PublicKeyPrefix}) only verifies; a message is signed with a private one.", nameof(secrets));
            room += SignedContent.EntryLength(secret) + 1;
        }

        Span<char> digits = stackalloc char[SignedContent.MaxTimestampDigits];
        timestamp.TryFormat(digits, out var digitCount, default, CultureInfo.InvariantCulture);
        var content = SignedContent.Rent(id, digits[..digitCount], prefix, body, out var length);
        try
        {
            Span<byte> header = stackalloc byte[room];
            var at = 0;
            foreach (var secret in secrets)
            {
                if (at > 0) header[at++] = (byte)' ';
                SignedContent.WriteEntry(secret, content.AsSpan(0, length), header[at..]);
                at += SignedContent.EntryLength(secret);
            }

            return Encoding.ASCII.GetString(header);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }
}
