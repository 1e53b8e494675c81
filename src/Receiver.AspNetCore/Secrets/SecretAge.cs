namespace Webhooks.Receiver;

/// <summary>Decides when a provider is asked for its secrets, and for how long what it gave counts.</summary>
/// <param name="ReadAt">When it last gave some; null before.</param>
/// <param name="AskedAt">When it was last asked.</param>
/// <param name="Failures">How often it has failed since.</param>
/// <param name="Jitter">A factor about 1, so that a thousand receivers do not ask at once.</param>
internal readonly record struct SecretAge(DateTimeOffset? ReadAt, DateTimeOffset AskedAt, int Failures, double Jitter)
{
    /// <summary>At four fifths of the interval, a fifth of these sooner or later: before what is known is stale.</summary>
    private const double Share = 0.8;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);

    /// <summary>When it is to be asked next.</summary>
    public DateTimeOffset Next(WebhookReceiverOptions options) => Failures == 0
        ? AskedAt + (options.SecretRefreshInterval * Share * Jitter)
        : AskedAt + Backoff.Next(Failures, FirstRetry, LongestRetry, 0.5);

    /// <summary>Whether a signature that no secret made may have it asked now.</summary>
    public bool MayAskEarly(DateTimeOffset now, WebhookReceiverOptions options) => now >= AskedAt + options.SecretEarlyRefreshInterval;

    /// <summary>When what it gave ceases to count; null when it gave nothing.</summary>
    public DateTimeOffset? End(WebhookReceiverOptions options) => ReadAt + options.SecretMaxAge;
}
