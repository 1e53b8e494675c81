namespace Webhooks.Conformance.Feed;

/// <summary>What the feed answers instead of a page, until it is told otherwise.</summary>
/// <param name="Status">The status of the answer.</param>
/// <param name="RetryAfterSeconds">What it says of when to come again.</param>
internal sealed record FeedTrouble(int Status, int? RetryAfterSeconds = null);

/// <summary>A request to the feed.</summary>
/// <param name="At">When it came.</param>
/// <param name="After">The number asked for.</param>
/// <param name="Status">What it was answered.</param>
internal sealed record FeedAsk(DateTimeOffset At, long After, int Status);
