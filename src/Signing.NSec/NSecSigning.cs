using NSec.Cryptography;

namespace Webhooks.Signing.NSec;

/// <summary>Gives this process Ed25519: <c>whsk_</c> and <c>whpk_</c> keys, signatures of version <c>v1a</c>.</summary>
public static class NSecSigning
{
    /// <summary>Call it first thing when the program starts, before any secret is read. Calling it again changes nothing.</summary>
    /// <param name="hmac">
    /// Whether the HMAC of symmetric secrets is computed by NSec as well, of those that have at most 32 bytes; the platform computes that of longer ones, as it does
    /// by default that of all. The signatures are the same either way.
    /// </param>
    /// <exception cref="PlatformNotSupportedException">There is no libsodium for this platform.</exception>
    /// <exception cref="InvalidOperationException">The libsodium found is not of the version that NSec wants.</exception>
    public static void Use(bool hmac = false)
    {
        // Its first use loads the native library: what is wrong with that is told here, and not as the failure of a type initializer later.
        _ = SignatureAlgorithm.Ed25519;
        WebhookAlgorithm.Register(new Ed25519Algorithm());
        if (hmac) WebhookAlgorithm.Register(new HmacAlgorithm());
    }
}
