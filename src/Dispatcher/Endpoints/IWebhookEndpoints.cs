using Webhooks.Signing;

namespace Webhooks.Dispatcher;

/// <summary>The URLs that applications are called at: settings, secrets, and their delivery.</summary>
public interface IWebhookEndpoints
{
    /// <summary>Creates an endpoint. It gets the events published after this, or from <see cref="EndpointSettings.Since"/> on.</summary>
    /// <returns>The endpoint's id and its secret, which is shown only here; of an Ed25519 pair the public key.</returns>
    /// <exception cref="WebhookValidationException">A setting breaks a rule; every one that does is named, and nothing was stored.</exception>
    /// <exception cref="WebhookNotFoundException">There is no such application.</exception>
    Task<CreatedEndpoint> CreateAsync(WebhookApplicationId application, EndpointSettings settings, CancellationToken cancellationToken = default);

    /// <summary>
    /// Replaces the settings. Event types hold for events published after this; a new URL from the next attempt, and with a failure count of zero.
    /// The secret and <see cref="EndpointSettings.Since"/> are left as they are, and so are the headers when <see cref="EndpointSettings.Headers"/> is null.
    /// </summary>
    /// <exception cref="WebhookValidationException">A setting breaks a rule; every one that does is named, and nothing was changed.</exception>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    Task UpdateAsync(WebhookEndpointId endpoint, EndpointSettings settings, CancellationToken cancellationToken = default);

    /// <summary>Ends delivery to an endpoint and its feed for ever. What it had not got ends as <c>endpoint_deleted</c>.</summary>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    Task DeleteAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default);

    /// <summary>Reads where an endpoint's stream stands.</summary>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    Task<StreamStatus> GetStreamAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default);

    /// <summary>
    /// Stops sending, by an operator: a receiver cannot lift it. Numbering goes on and nothing is dropped. Returns when no new send can begin.
    /// Pausing what is paused makes it an operator's pause.
    /// </summary>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    Task PauseAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default);

    /// <summary>Goes on sending. On an endpoint that is not paused, and without <paramref name="after"/>, it changes nothing.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="after">
    /// After which seq; by default after the cursor. A lower number sends again; a higher one skips, and what is skipped stays in the feed.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    /// <exception cref="WebhookValidationException"><paramref name="after"/> lies above the head or below what is kept.</exception>
    Task ResumeAsync(WebhookEndpointId endpoint, long? after = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Sends events again that were numbered before, beside the stream and with the same id and seq, for receivers that keep no seq. The cursor stays.
    /// A receiver that dedupes takes none of them for new.
    /// </summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="first">The first seq.</param>
    /// <param name="last">The last seq; at most 10,000 events at a time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many will be sent: those that are being sent beside the stream already, and those beyond the cursor, whose turn in the stream is yet to come, are not
    /// counted.</returns>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    /// <exception cref="WebhookValidationException">The range is empty, too long, above the head or below what is kept.</exception>
    Task<int> ReplayAsync(WebhookEndpointId endpoint, long first, long last, CancellationToken cancellationToken = default);

    /// <summary>
    /// Gives up on one event that an endpoint does not take: the one that is next in the stream, or one that is retried beside it. It is not
    /// sent any more, stays in the feed, and is settled as <c>skipped</c>. A paused endpoint stays paused.
    /// </summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="seq">The event.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    /// <exception cref="WebhookValidationException">It is neither next nor retried beside the stream.</exception>
    Task SkipAsync(WebhookEndpointId endpoint, long seq, CancellationToken cancellationToken = default);

    /// <summary>
    /// Sends one event to this endpoint alone, whatever its patterns. It goes the whole way: it is numbered in the endpoint's stream behind what was published before, signed,
    /// sent in its turn, in the
    /// feed, and its outcome is recorded as any other's. A paused endpoint holds it. It is never a duplicate; if the endpoint is deleted before it is numbered, it ends as
    /// <c>unmatched</c>.
    /// </summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="test">Its type and data; by default a <c>webhook.test</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The event's id, under which it is delivered.</returns>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    /// <exception cref="WebhookValidationException">The type or the data breaks a rule; nothing was stored.</exception>
    Task<WebhookEventId> TestAsync(WebhookEndpointId endpoint, TestEvent? test = null, CancellationToken cancellationToken = default);

    /// <summary>Gives the endpoint a new secret. Both sign until the overlap ends.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="overlap">How long the old ones go on signing: default 24 hours, at most 7 days; zero ends them at once.</param>
    /// <param name="secret">
    /// The new secret; by default a fresh symmetric one is made. <see cref="WebhookSecret.GenerateEd25519"/> makes a pair, which may stand beside symmetric secrets.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What the receiver is to be configured with: the secret, or the public key of a pair.</returns>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    /// <exception cref="WebhookValidationException">The overlap is out of range, the secret is a public key, or three secrets are live already: revoke one first.</exception>
    Task<WebhookSecret> RotateSecretAsync(
        WebhookEndpointId endpoint, TimeSpan? overlap = null, WebhookSecret? secret = null, CancellationToken cancellationToken = default);

    /// <summary>Ends a secret at once.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="fingerprint">The <see cref="WebhookSecret.Fingerprint"/> of the secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint, or no such live secret.</exception>
    /// <exception cref="WebhookValidationException">It is the only live one: rotate instead.</exception>
    Task RevokeSecretAsync(WebhookEndpointId endpoint, string fingerprint, CancellationToken cancellationToken = default);
}

/// <summary>A new endpoint.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Secret">What its receiver is to be configured with: the secret that signs its deliveries, or the public key of the pair.</param>
public sealed record CreatedEndpoint(WebhookEndpointId Id, WebhookSecret Secret);

/// <summary>What an endpoint is set to.</summary>
/// <param name="Url">Where it is called: absolute, <c>https</c> unless <c>Sending:AllowHttp</c> is set, without user name or fragment.</param>
public sealed record EndpointSettings(string Url)
{
    /// <summary>
    /// Patterns of the event types it gets: dot-separated parts, <c>*</c> for any one part, and <c>**</c> at the end for the rest. Default: all.
    /// </summary>
    public IReadOnlyList<string> EventTypes { get; init; } = ["**"];

    /// <summary>For people; at most 500 characters.</summary>
    public string Description { get; init; } = "";

    /// <summary>How many failed deliveries in a row pause the endpoint, 1 to 100. Default 3.</summary>
    public int FailureThreshold { get; init; } = 3;

    /// <summary>Whether an event waits until the one before it was accepted. Default <see cref="EndpointOrdering.Strict"/>.</summary>
    public EndpointOrdering Ordering { get; init; } = EndpointOrdering.Strict;

    /// <summary>How many requests a relaxed endpoint gets at once, 1 to 1,000. Default 16. A strict one gets one.</summary>
    public int MaxInFlight { get; init; } = 16;

    /// <summary>How many requests a second it gets at most, 1 to 100,000. Default null: as many as it answers.</summary>
    public int? RateLimit { get; init; }

    /// <summary>If set, events come several in a request. Only for strict endpoints, whose receivers take batches. Default null.</summary>
    public BatchSettings? Batch { get; init; }

    /// <summary>What its receiver may do with its secret besides verifying. Default: read the feed and ask for delivery again.</summary>
    public ReceiverAccess ReceiverAccess { get; init; } = ReceiverAccess.FeedAndResume;

    /// <summary>
    /// Headers that go with every request, such as <c>Authorization</c>: at most 10; names are tokens of at most 100 characters, not <c>webhook-*</c>, <c>content-*</c>,
    /// <c>proxy-*</c>, <c>Host</c>, <c>User-Agent</c> or one that belongs to the connection; values have 1 to 1,024 visible ASCII characters and spaces between them. They are
    /// encrypted at rest and cannot be read again. Default null: none; when settings are replaced, those that are there stay, and an empty dictionary removes them.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>If set, a new endpoint also gets the events published since then. Only used by creating.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>
    /// The secret of a new endpoint; by default a fresh symmetric one is made. <see cref="WebhookSecret.GenerateEd25519"/> makes a pair. Only used by creating.
    /// </summary>
    public WebhookSecret? Secret { get; init; }
}

/// <summary>In which order an endpoint gets its events.</summary>
public enum EndpointOrdering
{
    /// <summary>One after another: the first attempt of n+1 begins when n was accepted or settled otherwise.</summary>
    Strict,

    /// <summary>Several at once; an event that keeps failing is retried beside the stream and holds up no other.</summary>
    Relaxed,
}

/// <summary>How many events a request holds: consecutive ones, in order, accepted or refused as one.</summary>
public sealed record BatchSettings
{
    /// <summary>The most events in a request, 1 to 1,000. Default 100.</summary>
    public int MaxEvents { get; init; } = 100;

    /// <summary>How long a request waits for more events when there are fewer, 0 to 60 s. Default 0: it takes what is there.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.Zero;

    /// <summary>The greatest body in bytes, 1,024 to 524,288; an event that is larger goes alone. Default 524,288 (512 KiB).</summary>
    public int MaxBytes { get; init; } = 512 * 1024;
}

/// <summary>What a receiver may do with its endpoint's secret besides verifying deliveries.</summary>
public enum ReceiverAccess
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Read the feed.</summary>
    Feed,

    /// <summary>Read the feed, and resume delivery when the pause reason is <c>gone</c> or <c>failing</c>.</summary>
    FeedAndResume,
}

/// <summary>Whether an endpoint is sent to.</summary>
public enum EndpointStatus
{
    /// <summary>It is.</summary>
    Active,

    /// <summary>It is not, and what it would get is held.</summary>
    Paused,

    /// <summary>It was deleted.</summary>
    Deleted,
}

/// <summary>Why an endpoint is paused.</summary>
public enum PauseReason
{
    /// <summary>It answered 410.</summary>
    Gone,

    /// <summary>Its consecutive failed deliveries reached the threshold.</summary>
    Failing,

    /// <summary>An operator paused it.</summary>
    Manual,
}

/// <summary>Where a stream stands.</summary>
public sealed record StreamStatus
{
    /// <summary>The endpoint.</summary>
    public required WebhookEndpointId Endpoint { get; init; }

    /// <summary>Whether it is sent to.</summary>
    public required EndpointStatus Status { get; init; }

    /// <summary>Why it is paused, when it is.</summary>
    public PauseReason? PauseReason { get; init; }

    /// <summary>What was seen when it was paused, for people.</summary>
    public string? PauseEvidence { get; init; }

    /// <summary>When it was paused, by the database's clock.</summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>The stream's generation.</summary>
    public required int Epoch { get; init; }

    /// <summary>The first seq of that generation.</summary>
    public required long EpochStart { get; init; }

    /// <summary>The lowest seq kept; head + 1 when none is.</summary>
    public required long Floor { get; init; }

    /// <summary>The highest seq; 0 when there is none.</summary>
    public required long Head { get; init; }

    /// <summary>Every seq up to it is settled.</summary>
    public required long Cursor { get; init; }

    /// <summary>Failed deliveries in a row, so far.</summary>
    public required int ConsecutiveFailures { get; init; }
}
