namespace Webhooks.Receiver;

/// <summary>
/// Gives a source's secrets from elsewhere than the options, such as a vault. What it gives is kept for
/// <see cref="WebhookReceiverOptions.SecretRefreshInterval"/> and asked for anew in the background before; it is never asked twice at the same time.
/// A signature that no secret made has it asked early, so that a rotation is picked up at once. While it fails, what it gave last goes on to count, for
/// <see cref="WebhookReceiverOptions.SecretMaxAge"/> at most.
/// </summary>
public interface IWebhookSecretProvider
{
    /// <summary>Gives the secrets, newest first; they count together with those of the options, at most 8 in all.</summary>
    /// <param name="source">The source.</param>
    /// <param name="cancellationToken">Gives up after <see cref="WebhookReceiverOptions.SecretTimeout"/>.</param>
    ValueTask<IReadOnlyList<WebhookSecretOptions>> GetSecretsAsync(string source, CancellationToken cancellationToken);
}

/// <summary>A provider that is a delegate.</summary>
internal sealed class DelegateSecretProvider(Func<CancellationToken, ValueTask<IReadOnlyList<WebhookSecretOptions>>> get) : IWebhookSecretProvider
{
    public ValueTask<IReadOnlyList<WebhookSecretOptions>> GetSecretsAsync(string source, CancellationToken cancellationToken) => get(cancellationToken);
}
