using System.Diagnostics;
using System.Security.Cryptography;

namespace Webhooks.Signing;

/// <summary>
/// What signs and verifies: a symmetric secret of 24 to 64 bytes, written <c>whsec_</c> and base64 (Standard Webhooks, "Symmetric"), or one half of an Ed25519
/// pair ("Asymmetric"): the private <c>whsk_</c> that signs, the public <c>whpk_</c> that only verifies. It never prints itself: <see cref="ToString"/> gives a
/// fingerprint, only <see cref="Reveal"/> the secret.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed partial class WebhookSecret : IEquatable<WebhookSecret>
{
    /// <summary>What a written symmetric secret begins with.</summary>
    public const string Prefix = "whsec_";

    /// <summary>What the private half of an Ed25519 pair begins with: the sender's, and nobody else's.</summary>
    public const string PrivateKeyPrefix = "whsk_";

    /// <summary>What the public half of an Ed25519 pair begins with: what a receiver is given.</summary>
    public const string PublicKeyPrefix = "whpk_";

    /// <summary>The least number of bytes in a symmetric secret.</summary>
    public const int MinBytes = 24;

    /// <summary>The greatest number of bytes in a symmetric secret.</summary>
    public const int MaxBytes = 64;

    // Of Ed25519 the public key; the seed is there where this is the private half.
    private readonly byte[] _key;
    private readonly byte[]? _seed;

    // Null where this library computes by itself, and where nothing does: an Ed25519 secret that was read without its package.
    private readonly WebhookKey? _supplied;

    // Keyed once and kept for the next message: setting one up costs half as much again as hashing a kilobyte does.
    private HMACSHA256? _hash;
    private bool _hasHash;

    private WebhookSecret(byte[] key)
    {
        _key = key;
        _supplied = WebhookAlgorithm.Find(WebhookSecretKind.Hmac)?.CreateKey(key);
        Fingerprint = FingerprintOf(key);
    }

    private WebhookSecret(byte[] publicKey, byte[]? seed, WebhookKey? supplied)
    {
        (_key, _seed, _supplied, Kind) = (publicKey, seed, supplied, WebhookSecretKind.Ed25519);
        Fingerprint = FingerprintOf(publicKey);
    }

    /// <summary>What it computes signatures with.</summary>
    public WebhookSecretKind Kind { get; }

    /// <summary>Whether it signs, and does not only verify: false for the public half of a pair.</summary>
    public bool CanSign => Kind == WebhookSecretKind.Hmac || _seed is not null;

    // Not a property: whoever writes out an object's properties would find a secret in a secret without end.
    /// <summary>What the receiver of its messages is configured with: the public half of a pair, and a symmetric secret itself.</summary>
    public WebhookSecret ForReceiver() => _seed is null ? this : new WebhookSecret(_key, null, _supplied);

    /// <summary>
    /// First 8 hex digits of the SHA-256 of the key, and with Ed25519 of the public key, so that both halves have the same one: tells secrets apart in logs and
    /// metrics without giving them away.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Signs and verifies with Ed25519.</summary>
    /// <exception cref="InvalidOperationException">Nothing in this process can.</exception>
    internal WebhookKey Supplied => _supplied ?? throw new InvalidOperationException(NeedsPackage);

    /// <summary>The HMAC-SHA256 of <paramref name="content"/>, by any number of threads at the same time.</summary>
    internal void Mac(ReadOnlySpan<byte> content, Span<byte> mac)
    {
        if (_supplied is { } supplied)
        {
            supplied.Sign(content, mac);
            return;
        }

        var hash = Interlocked.Exchange(ref _hash, null);
        if (hash is null)
        {
            // Somebody is using it.
            if (Interlocked.Exchange(ref _hasHash, true))
            {
                HMACSHA256.HashData(_key, content, mac);
                return;
            }

            hash = new HMACSHA256(_key);
        }

        hash.TryComputeHash(content, mac, out _);
        Volatile.Write(ref _hash, hash);
    }

    /// <summary>Compares the keys in fixed time.</summary>
    public bool Equals(WebhookSecret? other) =>
        other is not null && Kind == other.Kind && CanSign == other.CanSign && CryptographicOperations.FixedTimeEquals(_key, other._key);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as WebhookSecret);

    /// <inheritdoc/>
    public override int GetHashCode() => Fingerprint.GetHashCode(StringComparison.Ordinal);

    private static string FingerprintOf(byte[] key) => Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4));
}
