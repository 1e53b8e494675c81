namespace Webhooks.Receiver;

/// <inheritdoc/>
internal sealed class ReceiverStatus(ReceiverRegistry registry) : IWebhookReceiverStatus
{
    private const int MaxRanges = 100;

    public IReadOnlyList<string> Sources => registry.Names;

    public async Task<WebhookSourceStatus> GetAsync(string source, CancellationToken cancellationToken = default)
    {
        var known = registry.Get(source);
        var state = await known.Inbox.GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        var options = known.Settings.Options;
        var endpoint = options.Endpoint ?? state.Endpoint;
        return new WebhookSourceStatus
        {
            Source = source,
            Streams = endpoint is null ? [] : [await StreamAsync(known, state, endpoint, cancellationToken).ConfigureAwait(false)],
            UnnumberedWaiting = state.UnnumberedWaiting,
            UnnumberedFailed = state.UnnumberedFailed,
            Counts = state.Counts,
            RefusedEndpoint = known.RefusedEndpoint,
            FeedError = known.Feed.Error,
            LiveSecrets = known.Settings.Secrets.At(known.Time.GetUtcNow()).Secrets.Length,
            SecretError = known.Provided?.Error,
            InboxDown = known.InboxDown,
            Troubles = [.. known.Troubles.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Key}: {one.Value}")],
            Overdue = [.. known.Overdue.Values.Order(StringComparer.Ordinal)],
            NearLimit = state.Waiting >= options.InboxLimit * 0.75,
        };
    }

    public async Task UnblockAsync(string source, CancellationToken cancellationToken = default)
    {
        var known = registry.Get(source);
        await known.Inbox.SetHoldAsync(source, null, clearConflict: true, cancellationToken).ConfigureAwait(false);
        known.Stored.Set();
        await ProbeAsync(source, cancellationToken).ConfigureAwait(false);
    }

    public Task AcknowledgeEmptyInboxAsync(string source, CancellationToken cancellationToken = default) =>
        registry.Get(source).Inbox.AcknowledgeAsync(source, cancellationToken);

    public Task ProbeAsync(string source, CancellationToken cancellationToken = default)
    {
        var known = registry.Get(source);
        known.ProbeAsked = true;
        known.Missing.Set();
        return Task.CompletedTask;
    }

    private static async Task<WebhookStreamStatus> StreamAsync(
        ReceiverSource source, InboxState state, string endpoint, CancellationToken cancellationToken)
    {
        var feed = source.Feed;
        return new WebhookStreamStatus
        {
            Endpoint = endpoint,
            Epoch = state.Position?.Epoch ?? 0,
            Watermark = state.Position?.Seq,
            Contiguous = state.Contiguous,
            HighestStored = state.Highest,
            Waiting = state.Waiting,
            Gaps = state.HasGap ? await source.Inbox.FindGapsAsync(source.Name, MaxRanges, cancellationToken).ConfigureAwait(false) : [],
            Unrecoverable = feed.Unrecoverable,
            Passed = await source.Inbox.GetPassedAsync(source.Name, MaxRanges, cancellationToken).ConfigureAwait(false),
            Hold = state.Hold,
            SettledAhead = state.SettledAhead.Count,
            EventHolds = [.. state.EventHolds.OrderBy(hold => hold.RetryAt is not null).Take(MaxRanges)],
            EmptyInboxSuspected = state.Suspect,
            Head = feed.ReadAt is null ? null : feed.Head,
            FeedReadAt = feed.ReadAt,
            PauseReason = feed.PauseReason,
        };
    }
}
