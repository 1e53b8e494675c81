using System.Security.Cryptography;
using System.Text;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>A secret as a scheme has read it. A scheme of its own may derive its own, such as a public key.</summary>
public abstract class ReceiverSecret
{
    /// <summary>Tells secrets apart in logs and metrics without giving them away.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>The fingerprint; never the secret.</summary>
    public sealed override string ToString() => $"secret {Fingerprint}";
}

/// <summary>A secret whose written characters are the key, as GitHub, Stripe, Slack and Shopify have it.</summary>
public sealed class TextSecret : ReceiverSecret
{
    private readonly byte[] _key;

    private TextSecret(byte[] key)
    {
        _key = key;
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4));
    }

    /// <summary>First 8 hex digits of the key's SHA-256.</summary>
    public override string Fingerprint { get; }

    /// <summary>The key.</summary>
    public ReadOnlySpan<byte> Key => _key;

    /// <summary>Takes the UTF-8 bytes of a text.</summary>
    /// <param name="text">8 to 256 characters without white space at either end.</param>
    /// <exception cref="FormatException">It is something else; the message never shows it.</exception>
    public static TextSecret Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is < 8 or > 256) throw new FormatException($"A secret has 8 to 256 characters; this one has {text.Length}.");
        if (char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1]))
            throw new FormatException("A secret must not begin or end with white space; was it pasted with a line end?");
        return new TextSecret(Encoding.UTF8.GetBytes(text));
    }
}

/// <summary>A secret of Standard Webhooks: a symmetric one, which signs feed requests too, or a public key.</summary>
internal sealed class StandardSecret(WebhookSecret secret) : ReceiverSecret
{
    public WebhookSecret Secret => secret;

    public override string Fingerprint => secret.Fingerprint;
}
