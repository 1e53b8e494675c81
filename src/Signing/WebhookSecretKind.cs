namespace Webhooks.Signing;

/// <summary>What a secret computes its signatures with.</summary>
public enum WebhookSecretKind
{
    /// <summary>HMAC-SHA256, version <c>v1</c>: both sides hold the same <c>whsec_…</c>.</summary>
    Hmac,

    /// <summary>
    /// Ed25519, version <c>v1a</c>: the sender holds the private <c>whsk_…</c>, the receiver the public <c>whpk_…</c>, which verifies and cannot sign.
    /// The package <c>Webhooks.Signing.NSec</c> computes it; .NET itself does not.
    /// </summary>
    Ed25519,
}
