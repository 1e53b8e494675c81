namespace Webhooks.Signing;

/// <summary>The three request headers of the Standard Webhooks specification.</summary>
public static class WebhookHeaders
{
    /// <summary>The message id: the same on every attempt, so it serves as an idempotency key.</summary>
    public const string Id = "webhook-id";

    /// <summary>Unix time of this attempt, in whole seconds.</summary>
    public const string Timestamp = "webhook-timestamp";

    /// <summary>Space-separated entries <c>v1,&lt;base64&gt;</c> (HMAC) and <c>v1a,&lt;base64&gt;</c> (Ed25519), one for each live secret, newest first.</summary>
    public const string Signature = "webhook-signature";
}
