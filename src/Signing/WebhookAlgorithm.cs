namespace Webhooks.Signing;

/// <summary>
/// Computes signatures of one kind, in place of this library or where it has none of its own. A package supplies it and registers it once, before the
/// first secret of its kind is read; <c>NSecSigning.Use()</c> of <c>Webhooks.Signing.NSec</c> does.
/// </summary>
public abstract class WebhookAlgorithm
{
    // A field for each kind: what is looked up is looked up when a secret is read, never when a message is signed.
    private static WebhookAlgorithm? _hmac;
    private static WebhookAlgorithm? _ed25519;

    /// <summary>The kind it computes.</summary>
    public abstract WebhookSecretKind Kind { get; }

    /// <summary>Makes a key that signs and verifies.</summary>
    /// <param name="key">The bytes of an HMAC secret, 24 to 64 of them; the 32 bytes of an Ed25519 seed. They are gone after the call.</param>
    /// <returns>The key, or null when it takes no key of this length, which it may only with HMAC: the library then computes by itself.</returns>
    public abstract WebhookKey? CreateKey(ReadOnlySpan<byte> key);

    /// <summary>Makes a key that only verifies.</summary>
    /// <param name="publicKey">The 32 bytes of an Ed25519 public key. They are gone after the call.</param>
    /// <returns>The key, or null when the bytes are no public key.</returns>
    public abstract WebhookKey? CreatePublicKey(ReadOnlySpan<byte> publicKey);

    /// <summary>Has this process compute signatures of a kind with an algorithm. Secrets read before keep what they were made with.</summary>
    /// <param name="algorithm">The algorithm; another one of its kind that was registered before is replaced.</param>
    public static void Register(WebhookAlgorithm algorithm)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        if (algorithm.Kind == WebhookSecretKind.Hmac) Volatile.Write(ref _hmac, algorithm);
        else Volatile.Write(ref _ed25519, algorithm);
    }

    /// <summary>Whether this process can sign and verify with secrets of a kind: always with HMAC, with Ed25519 once its package is registered.</summary>
    public static bool IsAvailable(WebhookSecretKind kind) => kind == WebhookSecretKind.Hmac || Find(kind) is not null;

    internal static WebhookAlgorithm? Find(WebhookSecretKind kind) => Volatile.Read(ref kind == WebhookSecretKind.Hmac ? ref _hmac : ref _ed25519);
}

/// <summary>A key of a <see cref="WebhookAlgorithm"/>. It is used by any number of threads at the same time.</summary>
public abstract class WebhookKey
{
    /// <summary>Writes the signature of <paramref name="content"/>. Not called on a key that only verifies.</summary>
    /// <param name="content">What is signed.</param>
    /// <param name="signature">Takes it: 32 bytes for HMAC, 64 for Ed25519, all of which are written.</param>
    public abstract void Sign(ReadOnlySpan<byte> content, Span<byte> signature);

    /// <summary>Whether a signature of 64 bytes is that of <paramref name="content"/>. Not called for HMAC, whose signatures are made anew and compared.</summary>
    /// <param name="content">What was signed.</param>
    /// <param name="signature">What a sender says its signature is: any 64 bytes. It never throws for them.</param>
    public abstract bool Verify(ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature);

    /// <summary>Writes the 32 bytes of the public key; not called for HMAC.</summary>
    /// <param name="publicKey">Takes them.</param>
    public abstract void CopyPublicKey(Span<byte> publicKey);
}
