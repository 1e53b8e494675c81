namespace Webhooks.Receiver;

/// <summary>What one source is held to. Read anew whenever the configuration changes; an invalid change is logged and not applied.</summary>
public sealed class WebhookReceiverOptions
{
    /// <summary>The greatest number of secrets: each costs an HMAC, or the check of a signature, for each unverified request.</summary>
    public const int MaxSecrets = 8;

    /// <summary>
    /// The live secrets: 1 to 8, newest first; with a secret provider none are needed here. Requests are accepted with any of them, and feed requests signed with all
    /// but public keys (<c>whpk_</c>), which need the package <c>Webhooks.Signing.NSec</c>.
    /// </summary>
    public WebhookSecretCollection Secrets { get; } = [];

    /// <summary>How old the secrets of a provider may grow before it has to be asked again; it is asked in the background before they are.</summary>
    /// <value>Default: 5 minutes.</value>
    public TimeSpan SecretRefreshInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// For how long the last known secrets of a provider count while it fails. Afterwards requests are answered 503, unless the options have secrets too.
    /// </summary>
    /// <value>Default: 24 hours.</value>
    public TimeSpan SecretMaxAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>The least time between two questions to a provider when a signature that no secret made has it asked early.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan SecretEarlyRefreshInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a provider may take to answer.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan SecretTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How far a request's timestamp may lie from now, on either side.</summary>
    /// <value>Default: 5 minutes.</value>
    public TimeSpan TimestampTolerance { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The greatest body accepted, in bytes, of one event as of a batch; beyond it 413. A dispatcher's batches end at 512 KiB, unless one event alone is
    /// larger; with less than that here, let the endpoint's batches end earlier, too.
    /// </summary>
    /// <value>Default: 1 MiB.</value>
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// How many bytes the bodies under way may take together, not counting those of up to 16 KiB. A larger body that finds no room is answered 503,
    /// to come again; smaller ones never are, however many slow senders there are. While an inbox hangs, no more than this is left waiting for it either.
    /// </summary>
    /// <value>Default: 64 MiB.</value>
    public long MaxBufferedBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long a body may take to arrive; beyond it 408.</summary>
    /// <value>Default: 15 seconds.</value>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long storing an event, or a batch, may take; beyond it 503. A client that hangs up does not shorten it.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan InsertTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How many events may wait in the inbox. At three quarters health is degraded; at the limit intake answers 503. The batch that reaches it gets in whole.
    /// </summary>
    /// <value>Default: 100,000.</value>
    public int InboxLimit { get; set; } = 100_000;

    /// <summary>How long processed events are kept in the inbox.</summary>
    /// <value>Default: 7 days.</value>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// How long the ids of processed events without a number (those of foreign senders) are remembered: at least 30 days. One that is sent again later is
    /// processed again. Numbered events need no such memory, for the watermark is theirs.
    /// </summary>
    /// <value>Default: 90 days.</value>
    public TimeSpan IdRetention { get; set; } = TimeSpan.FromDays(90);

    /// <summary>The endpoint's id at the sender (<c>ep_…</c>). When not set, the first verified delivery sets it for good.</summary>
    public string? Endpoint { get; set; }

    /// <summary>The root of the sender's API, such as <c>https://platform.example/</c>; without it gaps cannot be filled.</summary>
    public Uri? FeedBaseAddress { get; set; }

    /// <summary>
    /// An API key of the sender's that may read the endpoint's feed (scope <c>events:read</c>; with <c>endpoints:write</c> the receiver also asks for delivery again), sent
    /// as a bearer token: for a receiver that holds only public keys, and so cannot sign its requests. Only over https, or to this machine. The feed's answers are
    /// verified all the same.
    /// </summary>
    /// <value>Default: none.</value>
    public string? FeedApiKey { get; set; }

    /// <summary>How long a missing number may be late before it is fetched from the feed.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan GapGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>After how long without a delivery the feed is asked whether one was missed. Jittered by a fifth.</summary>
    /// <value>Default: 5 minutes.</value>
    public TimeSpan HeadProbeInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How often the feed is read while the endpoint is known to be paused, when nothing is delivered.</summary>
    /// <value>Default: 15 seconds.</value>
    public TimeSpan PausedProbeInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How many events one feed request asks for: 1 to 1,000.</summary>
    /// <value>Default: 500.</value>
    public int BackfillPageSize { get; set; } = 500;

    /// <summary>How long one feed request may take.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan FeedTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The wait after a first failed feed request; doubled for each further one.</summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan FeedRetryMin { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between failed feed requests.</summary>
    /// <value>Default: 5 minutes.</value>
    public TimeSpan FeedRetryMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What happens when missing numbers can no longer be had.</summary>
    /// <value>Default: <see cref="UnrecoverableGapPolicy.Block"/>.</value>
    public UnrecoverableGapPolicy OnUnrecoverableGap { get; set; }

    /// <summary>Where an empty inbox begins. Without a feed the sender's floor is number 1, and its cursor and head are what comes first.</summary>
    /// <value>Default: <see cref="StartAt.Floor"/>, the first event the sender still has.</value>
    public StartAt StartAt { get; set; } = StartAt.Floor;

    /// <summary>Says that an empty inbox behind an endpoint that has delivered before is meant, and not a lost store.</summary>
    public bool AcknowledgeEmptyInbox { get; set; }

    /// <summary>Whether the receiver asks for delivery again when it finds itself paused as failing or gone, and has caught up.</summary>
    /// <value>Default: true.</value>
    public bool SelfResume { get; set; } = true;

    /// <summary>How often a failing handler is called before <see cref="OnHandlerExhausted"/> applies.</summary>
    /// <value>Default: 10.</value>
    public int HandlerMaxAttempts { get; set; } = 10;

    /// <summary>What happens to an event whose handler has failed <see cref="HandlerMaxAttempts"/> times.</summary>
    /// <value>Default: <see cref="ExhaustedPolicy.Block"/>.</value>
    public ExhaustedPolicy OnHandlerExhausted { get; set; }

    /// <summary>The wait after a handler's first failure; doubled for each further one.</summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan HandlerRetryMin { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between a handler's attempts.</summary>
    /// <value>Default: 5 minutes.</value>
    public TimeSpan HandlerRetryMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>After how long a handler's cancellation token is cancelled.</summary>
    /// <value>Default: 60 seconds.</value>
    public TimeSpan HandlerTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>What happens to an event whose type no handler takes.</summary>
    /// <value>Default: <see cref="UnhandledPolicy.Skip"/>.</value>
    public UnhandledPolicy OnUnhandled { get; set; }

    /// <summary>What of a stream waits for what while it is handled. Events without a number never wait for each other, but with
    /// <see cref="ProcessingOrder.Stream"/> they are handled one after the other all the same.</summary>
    /// <value>Default: <see cref="ProcessingOrder.Stream"/>.</value>
    public ProcessingOrder Ordering { get; set; }

    /// <summary>
    /// How many handlers of the source run at the same time: 1 to 1,000. With <see cref="ProcessingOrder.Stream"/> it is one whatever this says; with the
    /// SQLite inbox, too, for the database of the handlers' transactions has one writer.
    /// </summary>
    /// <value>Default: 8.</value>
    public int MaxConcurrentHandlers { get; set; } = 8;

    /// <summary>
    /// How far beyond the watermark events are handled, where they do not all wait for each other: 1 to 1,000,000. When the first of more than that many
    /// waits or is blocked, all that follow wait with it.
    /// </summary>
    /// <value>Default: 10,000.</value>
    public int MaxSettledAhead { get; set; } = 10_000;
}

/// <summary>What happens when missing numbers can no longer be had.</summary>
public enum UnrecoverableGapPolicy
{
    /// <summary>The stream stops before the gap, and health says so.</summary>
    Block,

    /// <summary>The numbers are recorded as lost, and the stream goes on after them.</summary>
    SkipAndRecord,
}

/// <summary>What happens to an event whose handler has used up its attempts.</summary>
public enum ExhaustedPolicy
{
    /// <summary>The stream stops at the event, and health says so.</summary>
    Block,

    /// <summary>The event is set aside, body and error, and the stream goes on after it.</summary>
    Park,
}

/// <summary>What happens to an event whose type no handler takes.</summary>
public enum UnhandledPolicy
{
    /// <summary>It is counted and passed over.</summary>
    Skip,

    /// <summary>The stream stops at the event until a handler is there.</summary>
    Block,
}
