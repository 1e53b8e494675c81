namespace Webhooks.Receiver;

/// <summary>Says how the sources stand, and lets somebody act on what they wait for.</summary>
public interface IWebhookReceiverStatus
{
    /// <summary>The names of the registered sources.</summary>
    IReadOnlyList<string> Sources { get; }

    /// <summary>How a source stands.</summary>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    Task<WebhookSourceStatus> GetAsync(string source, CancellationToken cancellationToken = default);

    /// <summary>Lets a blocked stream try again, whatever it was blocked for, and events without a number that have used up their attempts.</summary>
    Task UnblockAsync(string source, CancellationToken cancellationToken = default);

    /// <summary>Says that an empty inbox behind an endpoint that has delivered before is meant.</summary>
    Task AcknowledgeEmptyInboxAsync(string source, CancellationToken cancellationToken = default);

    /// <summary>Asks the feed now, rather than after the interval. Of several processes on one inbox, only the one that processes the source does.</summary>
    Task ProbeAsync(string source, CancellationToken cancellationToken = default);
}

/// <summary>How a source stands.</summary>
public sealed record WebhookSourceStatus
{
    /// <summary>The source.</summary>
    public required string Source { get; init; }

    /// <summary>Its stream, once it has an endpoint: one, or none.</summary>
    public required IReadOnlyList<WebhookStreamStatus> Streams { get; init; }

    /// <summary>Events without a number that wait.</summary>
    public long UnnumberedWaiting { get; init; }

    /// <summary>Those of them whose handler has used up its attempts: they wait for <see cref="IWebhookReceiverStatus.UnblockAsync"/>, or a new process.</summary>
    public long UnnumberedFailed { get; init; }

    /// <summary>The counts since the inbox was made.</summary>
    public InboxCounts Counts { get; init; }

    /// <summary>The last endpoint other than the source's own that a verified request named, since the process started.</summary>
    public string? RefusedEndpoint { get; init; }

    /// <summary>Why the last request to the feed failed; null when it did not.</summary>
    public string? FeedError { get; init; }

    /// <summary>How many secrets count now; without one no request can be verified.</summary>
    public int LiveSecrets { get; init; }

    /// <summary>Why the secret provider could not be read the last time; null when it could, or there is none.</summary>
    public string? SecretError { get; init; }

    /// <summary>Whether the last attempt to store a delivery failed.</summary>
    public bool InboxDown { get; init; }

    /// <summary>What could not be done when it was last tried, and is tried again in a moment: processing, backfill, pruning and the like, each with what it met.</summary>
    public IReadOnlyList<string> Troubles { get; init; } = [];

    /// <summary>The handlers of this process that have not ended though <see cref="WebhookReceiverOptions.HandlerTimeout"/> is over, each with its event: they hold up what waits for them.</summary>
    public IReadOnlyList<string> Overdue { get; init; } = [];

    /// <summary>Whether three quarters of the inbox limit wait.</summary>
    public bool NearLimit { get; init; }
}

/// <summary>How a stream stands.</summary>
public sealed record WebhookStreamStatus
{
    /// <summary>The endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The epoch at the watermark; 0 before the stream has begun.</summary>
    public int Epoch { get; init; }

    /// <summary>All up to here are processed; null before the stream has begun.</summary>
    public long? Watermark { get; init; }

    /// <summary>All up to here are stored.</summary>
    public long Contiguous { get; init; }

    /// <summary>The highest stored number.</summary>
    public long HighestStored { get; init; }

    /// <summary>Events stored and not processed.</summary>
    public long Waiting { get; init; }

    /// <summary>The first missing ranges, at most 100.</summary>
    public IReadOnlyList<SeqRange> Gaps { get; init; } = [];

    /// <summary>Numbers that cannot be had any more and hold the stream up.</summary>
    public SeqRange? Unrecoverable { get; init; }

    /// <summary>Ranges the watermark has passed, or gone back before, in another way than by processing.</summary>
    public IReadOnlyList<PassedRange> Passed { get; init; } = [];

    /// <summary>What the stream waits for: a failing handler's next attempt, or somebody's action.</summary>
    public StreamHold? Hold { get; init; }

    /// <summary>How many events beyond the watermark are settled, where events do not all wait for each other.</summary>
    public long SettledAhead { get; init; }

    /// <summary>What single events wait for, where events do not all wait for each other: at most 100, first those for which somebody has to act.</summary>
    public IReadOnlyList<StreamHold> EventHolds { get; init; } = [];

    /// <summary>Whether somebody has to act before the stream, or a single event of it, goes on.</summary>
    public bool IsBlocked => Unrecoverable is not null || Hold is { RetryAt: null } || EventHolds is [{ RetryAt: null }, ..];

    /// <summary>Whether the inbox may be a lost store: it was found empty behind a stream that had been delivered.</summary>
    public bool EmptyInboxSuspected { get; init; }

    /// <summary>The sender's head at the last look; null before one.</summary>
    public long? Head { get; init; }

    /// <summary>When the feed was last read.</summary>
    public DateTimeOffset? FeedReadAt { get; init; }

    /// <summary>Why the sender has paused the endpoint, as of the last look; null when it has not.</summary>
    public string? PauseReason { get; init; }
}
