using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Webhooks.Signing;

/// <summary>
/// The bytes that are signed: <c>id.timestamp.</c> and then a delivery's body, or one of the other messages of this protocol.
/// Each kind begins in its own way, so that no signed message can pass for another kind.
/// </summary>
public static class SignedContent
{
    /// <summary>Bytes in an HMAC-SHA256.</summary>
    internal const int MacBytes = 32;

    /// <summary>Characters of its base64 form.</summary>
    internal const int MacChars = 44;

    /// <summary>Bytes in an Ed25519 signature.</summary>
    internal const int SignatureBytes = 64;

    /// <summary>Characters of its base64 form.</summary>
    internal const int SignatureChars = 88;

    /// <summary>12 digits reach the year 33658; <see cref="DateTimeOffset"/>, and so any clock here, ends in 9999.</summary>
    internal const int MaxTimestampDigits = 12;

    /// <summary>The greatest number of so many digits.</summary>
    internal const long MaxTimestamp = 999_999_999_999;

    /// <summary>The rule of <see cref="IsValidId"/> in words.</summary>
    internal const string IdRule = "A webhook id is 1 to 256 visible ASCII characters without a full stop.";

    // Not ContainsAnyExceptInRange: until the runtime has compiled it anew, it boxes its bounds on every call.
    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(it => (char)it).Where(it => it != '.')]);

    /// <summary>What a feed request signs in place of a body; the URL is left out because proxies rewrite it.</summary>
    public static byte[] FeedRequest(string endpoint, long after, int limit) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"feed\n{endpoint}\n{after}\n{limit}"));

    /// <summary>What a receiver's request to resume delivery signs in place of a body.</summary>
    public static byte[] ResumeRequest(string endpoint, int epoch, long after) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"resume\n{endpoint}\n{epoch}\n{after}"));

    /// <summary>What stands before the body when an answer to one of those requests is signed: it ties the answer to the request.</summary>
    /// <exception cref="ArgumentException">The id is none that a request can bear.</exception>
    public static byte[] AnswerPrefix(string requestId) =>
        // A line feed in the id could be read as the end of the prefix, and two answers would have one signature.
        IsValidId(requestId) ? Encoding.UTF8.GetBytes($"answer\n{requestId}\n") : throw new ArgumentException(IdRule, nameof(requestId));

    /// <summary>Whether <paramref name="id"/> may stand in <c>webhook-id</c>: 1 to 256 visible ASCII characters, and no full stop,
    /// which separates the parts of the signed content.</summary>
    internal static bool IsValidId(ReadOnlySpan<char> id) =>
        id.Length is > 0 and <= 256 && !id.ContainsAnyExcept(IdCharacters);

    /// <summary>Writes <c>id.timestamp.prefix body</c> into a rented buffer.</summary>
    internal static byte[] Rent(
        ReadOnlySpan<char> id, ReadOnlySpan<char> timestamp, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, out int length)
    {
        length = id.Length + timestamp.Length + 2 + prefix.Length + body.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var at = Encoding.ASCII.GetBytes(id, buffer);
        buffer[at++] = (byte)'.';
        at += Encoding.ASCII.GetBytes(timestamp, buffer.AsSpan(at));
        buffer[at++] = (byte)'.';
        prefix.CopyTo(buffer.AsSpan(at));
        body.CopyTo(buffer.AsSpan(at + prefix.Length));
        return buffer;
    }

    /// <summary>The MAC of <paramref name="content"/> in base64, whose characters are ASCII.</summary>
    internal static void Mac(WebhookSecret secret, ReadOnlySpan<byte> content, Span<byte> base64)
    {
        Span<byte> mac = stackalloc byte[MacBytes];
        secret.Mac(content, mac);
        Base64.EncodeToUtf8(mac, base64, out _, out _);
    }

    /// <summary>The bytes that an entry of the signature header takes.</summary>
    internal static int EntryLength(WebhookSecret secret) => secret.Kind == WebhookSecretKind.Hmac ? 3 + MacChars : 4 + SignatureChars;

    /// <summary>Writes the entry of a secret: the version, a comma and the signature in base64.</summary>
    internal static void WriteEntry(WebhookSecret secret, ReadOnlySpan<byte> content, Span<byte> entry)
    {
        if (secret.Kind != WebhookSecretKind.Hmac)
        {
            WriteEd25519(secret.Supplied, content, entry);
            return;
        }

        "v1,"u8.CopyTo(entry);
        Mac(secret, content, entry[3..]);
    }

    private static void WriteEd25519(WebhookKey key, ReadOnlySpan<byte> content, Span<byte> entry)
    {
        Span<byte> signature = stackalloc byte[SignatureBytes];
        key.Sign(content, signature);
        "v1a,"u8.CopyTo(entry);
        Base64.EncodeToUtf8(signature, entry[4..], out _, out _);
    }
}
