using Webhooks.Dispatcher.Endpoints;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>The right to send to an endpoint for a while, with all that sending needs.</summary>
internal sealed record EndpointLease
{
    public required long Endpoint { get; init; }

    public required short Bucket { get; init; }

    public required WebhookEndpointId Id { get; init; }

    public required Uri Url { get; init; }

    public required IReadOnlyList<SigningSecret> Secrets { get; init; }

    public required int FailureThreshold { get; init; }

    /// <summary>Whether a failing event holds up its successors not.</summary>
    public bool IsRelaxed { get; init; }

    /// <summary>How many requests a relaxed endpoint gets at once.</summary>
    public int MaxInFlight { get; init; } = 1;

    /// <summary>Requests a second at most.</summary>
    public int? RateLimit { get; init; }

    /// <summary>Headers that go with every request.</summary>
    public EndpointHeaders Headers { get; init; } = EndpointHeaders.None;

    /// <summary>How many events go into a request; null for one.</summary>
    public BatchSettings? Batch { get; init; }

    /// <summary>Numbers beyond the cursor that were accepted.</summary>
    public IReadOnlyList<long> Ahead { get; init; } = [];

    /// <summary>Numbers beyond the cursor that are retried beside the stream.</summary>
    public IReadOnlyList<long> DeferredAhead { get; init; } = [];

    /// <summary>When the first event is due beside the stream.</summary>
    public DateTimeOffset? NextDeferred { get; init; }

    /// <summary>A failure whose attempt began before then was counted already.</summary>
    public DateTimeOffset? CountedUntil { get; init; }

    /// <summary>The generation that goes into the envelope.</summary>
    public required int Epoch { get; init; }

    /// <summary>Where sending begins: after this seq.</summary>
    public required long Cursor { get; init; }

    /// <summary>The fence: with the owner's id, what every settle is compared with.</summary>
    public required long LeaseEpoch { get; init; }

    /// <summary>Raised by whatever moves the cursor from outside.</summary>
    public required long Version { get; init; }

    public required StreamState State { get; init; }

    /// <summary>Whether a delivery has something to reset: failures, throttling, or the backoff of a receiver's resumes.</summary>
    public required bool Blemished { get; init; }

    /// <summary>The secrets that sign now, newest first.</summary>
    public WebhookSecret[] LiveSecrets(DateTimeOffset now) =>
        [.. Secrets.Where(secret => secret.ExpiresAt is null || secret.ExpiresAt > now).Select(secret => secret.Secret)];
}

/// <summary>A secret and when it stops signing.</summary>
internal sealed record SigningSecret(WebhookSecret Secret, DateTimeOffset? ExpiresAt);

/// <summary>An endpoint that somebody is to work on.</summary>
/// <param name="Id">The endpoint.</param>
/// <param name="At">Since when or from when on it is due: another time is another occasion.</param>
/// <param name="Wait">In what time that is; zero or less when it is due.</param>
internal sealed record DueEndpoint(WebhookEndpointId Id, DateTime At, TimeSpan Wait);
