using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Webhooks.Signing;

/// <summary>Secrets made, read and written.</summary>
public sealed partial class WebhookSecret
{
    private const int SeedBytes = 32;
    private const int PublicKeyBytes = 32;
    private const int PrivateKeyBytes = SeedBytes + PublicKeyBytes;

    private const string NeedsPackage =
        "This is an Ed25519 key, which .NET cannot use by itself: reference the package Webhooks.Signing.NSec, and call NSecSigning.Use() when the program starts.";

    /// <summary>Makes a symmetric secret from the system's random source.</summary>
    /// <param name="bytes">Its length in bytes, 24 to 64.</param>
    public static WebhookSecret Generate(int bytes = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, MinBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MaxBytes);
        return new WebhookSecret(RandomNumberGenerator.GetBytes(bytes));
    }

    /// <summary>Makes the private half of an Ed25519 pair from the system's random source; <see cref="ForReceiver"/> is the other half.</summary>
    /// <exception cref="InvalidOperationException">The package <c>Webhooks.Signing.NSec</c> is not registered.</exception>
    public static WebhookSecret GenerateEd25519()
    {
        var seed = RandomNumberGenerator.GetBytes(SeedBytes);
        var supplied = WebhookAlgorithm.Find(WebhookSecretKind.Ed25519)?.CreateKey(seed) ?? throw new InvalidOperationException(NeedsPackage);
        return new WebhookSecret(PublicKeyOf(supplied), seed, supplied);
    }

    /// <summary>Takes the raw bytes of a symmetric secret, 24 to 64 of them.</summary>
    /// <exception cref="ArgumentException">The length is outside 24 to 64 bytes.</exception>
    public static WebhookSecret FromBytes(ReadOnlySpan<byte> key) =>
        key.Length is < MinBytes or > MaxBytes
            ? throw new ArgumentException($"A webhook secret has {MinBytes} to {MaxBytes} bytes; this one has {key.Length}.", nameof(key))
            : new WebhookSecret(key.ToArray());

    /// <summary>Reads a written secret.</summary>
    /// <exception cref="FormatException">It is not a secret, or its kind cannot be used here; the message says which rule it breaks and never shows the value.</exception>
    public static WebhookSecret Parse(string text) =>
        TryParse(text, out var secret, out var error) ? secret : throw new FormatException(error);

    /// <summary>
    /// Reads a written secret: <c>whsec_</c> or no prefix for a symmetric one, <c>whsk_</c> and <c>whpk_</c> for the halves of an Ed25519 pair; with or without base64
    /// padding. Without <c>Webhooks.Signing.NSec</c> the latter are refused.
    /// </summary>
    /// <param name="text">The written secret.</param>
    /// <param name="secret">The secret, when the text is one.</param>
    /// <param name="error">Otherwise which rule the text breaks; it never holds the text.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out WebhookSecret? secret, [NotNullWhen(false)] out string? error)
    {
        if (!TryRead(text, out secret, out error)) return false;
        if (secret.Kind == WebhookSecretKind.Hmac || secret._supplied is not null) return true;
        (secret, error) = (null, NeedsPackage);
        return false;
    }

    /// <summary>The same, but an Ed25519 secret is read even where it cannot be used: it can be told by its fingerprint, and replaced.</summary>
    internal static bool TryRead(string? text, [NotNullWhen(true)] out WebhookSecret? secret, [NotNullWhen(false)] out string? error)
    {
        secret = null;
        error = null;
        if (string.IsNullOrEmpty(text))
            error = "A webhook secret must not be empty.";
        else if (char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1]))
            error = "A webhook secret must not begin or end with white space; was it pasted with a line end?";
        if (error is not null) return false;

        Span<byte> key = stackalloc byte[MaxBytes + 2];
        var prefix = text!.StartsWith(PrivateKeyPrefix, StringComparison.Ordinal) ? PrivateKeyPrefix
            : text.StartsWith(PublicKeyPrefix, StringComparison.Ordinal) ? PublicKeyPrefix
            : Prefix;
        var encoded = text.AsSpan(text.StartsWith(prefix, StringComparison.Ordinal) ? prefix.Length : 0);
        if (!TryDecode(encoded, key, out var bytes))
            error = encoded.Length > MaxChars
                ? $"A webhook secret has at most {MaxBytes} bytes; this one has {encoded.Length} base64 characters."
                : $"A webhook secret is \"{prefix}\" followed by base64; what follows the prefix here is not base64.";
        else if (prefix == PrivateKeyPrefix)
            return TryReadPrivate(key[..bytes], out secret, out error);
        else if (prefix == PublicKeyPrefix)
            return TryReadPublic(key[..bytes], out secret, out error);
        else if (bytes is < MinBytes or > MaxBytes)
            error = $"A webhook secret has {MinBytes} to {MaxBytes} bytes; this one has {bytes}.";
        else
            secret = new WebhookSecret(key[..bytes].ToArray());
        return secret is not null;
    }

    /// <summary>The written secret, to be shown once to whoever configures the other side: with Ed25519 that of <see cref="ForReceiver"/>. Never log it.</summary>
    public string Reveal() => PrefixOfThis + Convert.ToBase64String(_seed is null ? _key : [.. _seed, .. _key]);

    /// <summary>The prefix and the fingerprint; never the secret.</summary>
    public override string ToString() => $"{PrefixOfThis}*** (fingerprint {Fingerprint})";

    private const int MaxChars = (MaxBytes + 2) / 3 * 4;

    private string PrefixOfThis => Kind == WebhookSecretKind.Hmac ? Prefix : _seed is null ? PublicKeyPrefix : PrivateKeyPrefix;

    private static bool TryDecode(ReadOnlySpan<char> encoded, Span<byte> key, out int bytes)
    {
        bytes = 0;
        if (encoded.Length > MaxChars) return false;
        Span<char> padded = stackalloc char[MaxChars];
        // Copy-and-paste often loses the padding; what it stood for is unambiguous.
        encoded.CopyTo(padded);
        var length = encoded.Length;
        while (length % 4 != 0 && length < padded.Length) padded[length++] = '=';
        return !encoded.ContainsAny(" \t\r\n") && Convert.TryFromBase64Chars(padded[..length], key, out bytes);
    }

    private static bool TryReadPrivate(ReadOnlySpan<byte> key, [NotNullWhen(true)] out WebhookSecret? secret, [NotNullWhen(false)] out string? error)
    {
        (secret, error) = (null, null);
        if (key.Length != PrivateKeyBytes)
            error = $"A private Ed25519 key is \"{PrivateKeyPrefix}\" and base64 of {PrivateKeyBytes} bytes, a seed and its public key; this one has {key.Length}.";
        else if (WebhookAlgorithm.Find(WebhookSecretKind.Ed25519) is not { } algorithm)
            secret = new WebhookSecret(key[SeedBytes..].ToArray(), key[..SeedBytes].ToArray(), null);
        // A pair that is none would sign what nobody can verify, and two signatures over different public keys give the seed away.
        else if (algorithm.CreateKey(key[..SeedBytes]) is not { } supplied || !key[SeedBytes..].SequenceEqual(PublicKeyOf(supplied)))
            error = $"The public key in the second half of this \"{PrivateKeyPrefix}\" is not that of its seed.";
        else
            secret = new WebhookSecret(key[SeedBytes..].ToArray(), key[..SeedBytes].ToArray(), supplied);
        return secret is not null;
    }

    private static bool TryReadPublic(ReadOnlySpan<byte> key, [NotNullWhen(true)] out WebhookSecret? secret, [NotNullWhen(false)] out string? error)
    {
        (secret, error) = (null, null);
        WebhookKey? supplied = null;
        if (key.Length != PublicKeyBytes)
            error = $"A public Ed25519 key is \"{PublicKeyPrefix}\" and base64 of {PublicKeyBytes} bytes; this one has {key.Length}."
                + (key.Length == PrivateKeyBytes ? " A private key has as many, and is the sender's alone." : "");
        else if (WebhookAlgorithm.Find(WebhookSecretKind.Ed25519) is { } algorithm && (supplied = algorithm.CreatePublicKey(key)) is null)
            error = $"What follows \"{PublicKeyPrefix}\" here is no Ed25519 public key.";
        else
            secret = new WebhookSecret(key.ToArray(), null, supplied);
        return secret is not null;
    }

    private static byte[] PublicKeyOf(WebhookKey key)
    {
        var publicKey = new byte[PublicKeyBytes];
        key.CopyPublicKey(publicKey);
        return publicKey;
    }
}
