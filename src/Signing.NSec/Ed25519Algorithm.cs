using NSec.Cryptography;

namespace Webhooks.Signing.NSec;

/// <summary>Ed25519 (RFC 8032), keys in memory that libsodium guards.</summary>
internal sealed class Ed25519Algorithm : WebhookAlgorithm
{
    private static readonly Ed25519 Algorithm = SignatureAlgorithm.Ed25519;

    public override WebhookSecretKind Kind => WebhookSecretKind.Ed25519;

    public override WebhookKey CreateKey(ReadOnlySpan<byte> key)
    {
        var pair = Key.Import(Algorithm, key, KeyBlobFormat.RawPrivateKey);
        return new Ed25519Key(pair.PublicKey, pair);
    }

    public override WebhookKey? CreatePublicKey(ReadOnlySpan<byte> publicKey) =>
        PublicKey.TryImport(Algorithm, publicKey, KeyBlobFormat.RawPublicKey, out var imported) && imported is not null ? new Ed25519Key(imported, null) : null;

    private sealed class Ed25519Key(PublicKey publicKey, Key? pair) : WebhookKey
    {
        public override void Sign(ReadOnlySpan<byte> content, Span<byte> signature) =>
            Algorithm.Sign(pair ?? throw new InvalidOperationException("A public key does not sign."), content, signature);

        public override bool Verify(ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) => Algorithm.Verify(publicKey, content, signature);

        public override void CopyPublicKey(Span<byte> bytes)
        {
            if (!publicKey.TryExport(KeyBlobFormat.RawPublicKey, bytes, out _)) throw new ArgumentException("A public key has 32 bytes.", nameof(bytes));
        }
    }
}
