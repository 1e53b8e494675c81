using NSec.Cryptography;

namespace Webhooks.Signing.NSec;

/// <summary>HMAC-SHA256, keys in memory that libsodium guards.</summary>
internal sealed class HmacAlgorithm : WebhookAlgorithm
{
    private const int KeyBytes = 32;

    private static readonly HmacSha256 Algorithm = MacAlgorithm.HmacSha256;

    public override WebhookSecretKind Kind => WebhookSecretKind.Hmac;

    public override WebhookKey? CreateKey(ReadOnlySpan<byte> key)
    {
        // NSec takes keys of 32 bytes only. HMAC fills a shorter one up with zeros by itself, so that it is the same key with them.
        if (key.Length > KeyBytes) return null;
        Span<byte> whole = stackalloc byte[KeyBytes];
        key.CopyTo(whole);
        return new HmacKey(Key.Import(Algorithm, whole, KeyBlobFormat.RawSymmetricKey));
    }

    public override WebhookKey? CreatePublicKey(ReadOnlySpan<byte> publicKey) => null;

    private sealed class HmacKey(Key key) : WebhookKey
    {
        public override void Sign(ReadOnlySpan<byte> content, Span<byte> signature) => Algorithm.Mac(key, content, signature);

        public override bool Verify(ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) => Algorithm.Verify(key, content, signature);

        public override void CopyPublicKey(Span<byte> publicKey) => throw new NotSupportedException("HMAC has no public key.");
    }
}
