using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Webhooks.Signing;

/// <summary>
/// A symmetric signing secret: 24 to 64 bytes, written as <c>whsec_</c> and base64 (Standard Webhooks, "Symmetric").
/// It never prints itself: <see cref="ToString"/> gives a fingerprint, only <see cref="Reveal"/> the secret.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class WebhookSecret : IEquatable<WebhookSecret>
{
    /// <summary>What a written secret begins with.</summary>
    public const string Prefix = "whsec_";

    /// <summary>The least number of bytes in a secret.</summary>
    public const int MinBytes = 24;

    /// <summary>The greatest number of bytes in a secret.</summary>
    public const int MaxBytes = 64;

    private readonly byte[] _key;

    // Keyed once and kept for the next message: setting one up costs half as much again as hashing a kilobyte does.
    private HMACSHA256? _hash;
    private bool _hasHash;

    private WebhookSecret(byte[] key)
    {
        _key = key;
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4));
    }

    /// <summary>First 8 hex digits of the key's SHA-256: tells secrets apart in logs and metrics without giving them away.</summary>
    public string Fingerprint { get; }

    /// <summary>The HMAC-SHA256 of <paramref name="content"/>, by any number of threads at the same time.</summary>
    internal void Mac(ReadOnlySpan<byte> content, Span<byte> mac)
    {
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

    /// <summary>Makes a secret from the system's random source.</summary>
    /// <param name="bytes">Its length in bytes, 24 to 64.</param>
    public static WebhookSecret Generate(int bytes = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, MinBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MaxBytes);
        return new WebhookSecret(RandomNumberGenerator.GetBytes(bytes));
    }

    /// <summary>Takes raw key bytes, 24 to 64 of them.</summary>
    /// <exception cref="ArgumentException">The length is outside 24 to 64 bytes.</exception>
    public static WebhookSecret FromBytes(ReadOnlySpan<byte> key) =>
        key.Length is < MinBytes or > MaxBytes
            ? throw new ArgumentException($"A webhook secret has {MinBytes} to {MaxBytes} bytes; this one has {key.Length}.", nameof(key))
            : new WebhookSecret(key.ToArray());

    /// <summary>Reads a written secret.</summary>
    /// <exception cref="FormatException">It is not a secret; the message says which rule it breaks and never shows the value.</exception>
    public static WebhookSecret Parse(string text) =>
        TryParse(text, out var secret, out var error) ? secret : throw new FormatException(error);

    /// <summary>Reads a written secret, with or without the prefix <c>whsec_</c>, with or without base64 padding.</summary>
    /// <param name="text">The written secret.</param>
    /// <param name="secret">The secret, when the text is one.</param>
    /// <param name="error">Otherwise which rule the text breaks; it never holds the text.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out WebhookSecret? secret, [NotNullWhen(false)] out string? error)
    {
        secret = null;
        error = null;
        if (string.IsNullOrEmpty(text))
            error = "A webhook secret must not be empty.";
        else if (char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1]))
            error = "A webhook secret must not begin or end with white space; was it pasted with a line end?";
        if (error is not null) return false;

        var encoded = text.AsSpan(text!.StartsWith(Prefix, StringComparison.Ordinal) ? Prefix.Length : 0);
        Span<char> padded = stackalloc char[(MaxBytes + 2) / 3 * 4];
        Span<byte> key = stackalloc byte[MaxBytes + 2];
        if (encoded.Length > padded.Length)
        {
            error = $"A webhook secret has at most {MaxBytes} bytes; this one has {encoded.Length} base64 characters.";
            return false;
        }

        // Copy-and-paste often loses the padding; what it stood for is unambiguous.
        encoded.CopyTo(padded);
        var length = encoded.Length;
        while (length % 4 != 0 && length < padded.Length) padded[length++] = '=';
        if (encoded.ContainsAny(" \t\r\n") || !Convert.TryFromBase64Chars(padded[..length], key, out var bytes))
        {
            error = $"A webhook secret is \"{Prefix}\" followed by base64; what follows the prefix here is not base64.";
            return false;
        }

        if (bytes is < MinBytes or > MaxBytes)
        {
            error = $"A webhook secret has {MinBytes} to {MaxBytes} bytes; this one has {bytes}.";
            return false;
        }

        secret = new WebhookSecret(key[..bytes].ToArray());
        return true;
    }

    /// <summary>The written secret, to be shown once to whoever configures the other side. Never log it.</summary>
    public string Reveal() => Prefix + Convert.ToBase64String(_key);

    /// <summary>The prefix and the fingerprint; never the secret.</summary>
    public override string ToString() => $"{Prefix}*** (fingerprint {Fingerprint})";

    /// <summary>Compares the keys in fixed time.</summary>
    public bool Equals(WebhookSecret? other) => other is not null && CryptographicOperations.FixedTimeEquals(_key, other._key);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as WebhookSecret);

    /// <inheritdoc/>
    public override int GetHashCode() => Fingerprint.GetHashCode(StringComparison.Ordinal);
}
