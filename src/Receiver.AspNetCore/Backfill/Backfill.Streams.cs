using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>Where a stream begins, and what happens when it cannot go on as numbered.</summary>
internal sealed partial class Backfill
{
    private int _resumes;
    private DateTimeOffset _resumeNotBefore;
    private string? _resumeRefusedFor;

    private async Task BeginFromFeedAsync(WebhookReceiverOptions options, FeedPage page, CancellationToken stopping)
    {
        // While the feed was asked, deliveries may have come, and the stream may have begun with them.
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        if (state.Position is not null) return;
        var watermark = options.StartAt.Watermark(page.Floor, page.Cursor, page.Head);
        // Something was delivered that is not here.
        var suspect = options.StartAt == StartAt.Floor && page.Cursor > 0 && state.Highest < page.Cursor && !options.AcknowledgeEmptyInbox;
        if (suspect) LogSuspect(source.Name, page.Cursor);
        var epoch = watermark >= page.EpochStart - 1 ? page.Epoch : Math.Max(1, page.Epoch - 1);
        await BeginAsync(new EpochStart(page.Epoch, page.EpochStart), new StreamPosition(epoch, watermark), suspect, stopping).ConfigureAwait(false);
    }

    private async Task<InboxState> BeginAsync(EpochStart epoch, StreamPosition position, bool suspect, CancellationToken stopping)
    {
        await source.Inbox.AddEpochAsync(source.Name, epoch, stopping).ConfigureAwait(false);
        await source.Inbox.StartAsync(source.Name, position, suspect, stopping).ConfigureAwait(false);
        LogBegun(source.Name, position.Seq + 1, position.Epoch);
        source.Stored.Set();
        return await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
    }

    /// <summary>The sender no longer has what is missing. The rest is fetched all the same, before it expires too.</summary>
    private async Task<Verdict> ExpiredAsync(WebhookReceiverOptions options, InboxState state, FeedPage page, CancellationToken stopping)
    {
        var gaps = await source.Inbox.FindGapsAsync(source.Name, MaxGaps, stopping).ConfigureAwait(false);
        if (options.OnUnrecoverableGap == UnrecoverableGapPolicy.SkipAndRecord)
        {
            foreach (var range in MissingBelow(page.Floor, state, gaps))
            {
                LogLost(source.Name, range);
                await source.Inbox.AddLostAsync(source.Name, range, stopping).ConfigureAwait(false);
            }

            source.Feed = source.Feed with { Unrecoverable = null };
            source.Stored.Set();
            return default;
        }

        // Nothing, when a delivery has filled it meanwhile.
        if (MissingBelow(page.Floor, state, gaps).ToList() is not [var expired, ..]) return default;
        if (source.Feed.Unrecoverable != expired) LogUnrecoverable(source.Name, expired);
        source.Feed = source.Feed with { Unrecoverable = expired };
        var next = gaps.Where(gap => gap.To >= page.Floor).Select(gap => Math.Max(gap.From, page.Floor)).DefaultIfEmpty(Math.Max(state.Highest + 1, page.Floor)).Min();
        return new Verdict { ReadOnAfter = next - 1 };
    }

    /// <summary>The missing ranges below the floor: those between stored events, and what follows the last of these.</summary>
    internal static IEnumerable<SeqRange> MissingBelow(long floor, InboxState state, IReadOnlyList<SeqRange> gaps)
    {
        foreach (var gap in gaps)
            if (gap.From < floor) yield return gap with { To = Math.Min(gap.To, floor - 1) };
        var last = Math.Max(state.Highest, state.Contiguous);
        if (last < floor - 1) yield return new SeqRange(last + 1, floor - 1);
    }

    private async Task<Verdict> ConflictAsync(InboxState state, FeedPage page, CancellationToken stopping)
    {
        var detail = $"the feed is at number {page.Head} of epoch {page.Epoch}, the inbox at {state.Position?.Seq} of epoch {state.Epochs.Latest}";
        if (state.Hold is not { Reason: HoldReason.StreamConflict })
        {
            LogConflict(source.Name, detail);
            await source.Inbox.SetHoldAsync(
                source.Name, new StreamHold(HoldReason.StreamConflict, page.Head, null, 0, detail, null), clearConflict: false, stopping).ConfigureAwait(false);
        }

        return new Verdict { Failure = "stream conflict" };
    }

    private async Task ResumeIfPausedAsync(
        ReceiverSettings.InForce settings, string endpoint, InboxState state, string? paused, CancellationToken stopping)
    {
        if (paused is null) (_resumes, _resumeNotBefore, _resumeRefusedFor) = (0, default, null);
        if (paused != _resumeRefusedFor) _resumeRefusedFor = null;
        var now = source.Time.GetUtcNow();
        if (paused is not ("failing" or "gone") || !settings.Options.SelfResume || _resumeRefusedFor is not null
            || now < _resumeNotBefore || state.Hold is { Reason: HoldReason.StreamConflict }) return;

        var (outcome, retryAfter) = await client.ResumeAsync(settings, endpoint, state.Epochs.Latest, state.Contiguous, stopping).ConfigureAwait(false);
        metrics.Resumed(source.Name, outcome.ToString().ToLowerInvariant());
        LogResume(source.Name, paused, state.Contiguous, outcome);
        _resumes++;
        _resumeNotBefore = now + Backoff.Next(_resumes, settings.Options.FeedRetryMin, settings.Options.FeedRetryMax, random.NextDouble(), retryAfter);
        // Only an operator can, or nobody need: asking again would change nothing until the state does.
        if (outcome == ResumeOutcome.NotPossible) _resumeRefusedFor = paused;
    }

    /// <summary>
    /// Without a feed nothing can be fetched, and where the sender's floor lies is not known: the stream begins at number 1, so that a first delivery that was lost or comes
    /// late is seen, unless <see cref="WebhookReceiverOptions.StartAt"/> says otherwise.
    /// </summary>
    private async Task<DateTimeOffset?> WithoutFeedAsync(WebhookReceiverOptions options, InboxState state, CancellationToken stopping)
    {
        if (state.Lowest == 0) return null;
        if (state.Position is null)
        {
            var first = options.StartAt == StartAt.Floor ? 1 : options.StartAt.Place == "seq" ? options.StartAt.Number : state.Lowest;
            state = await BeginAsync(
                new EpochStart(state.HighestEpoch, first), new StreamPosition(state.HighestEpoch, first - 1), suspect: false, stopping).ConfigureAwait(false);
            TrackGap(state);
        }

        if (state.HighestEpoch > state.Epochs.Latest)
        {
            LogNewEpoch(source.Name, state.HighestEpoch, state.HighestEpochLowest);
            await source.Inbox.AddEpochAsync(source.Name, new EpochStart(state.HighestEpoch, state.HighestEpochLowest), stopping).ConfigureAwait(false);
            source.Stored.Set();
            return source.Time.GetUtcNow();
        }

        if (_gap is not { } gap)
        {
            source.Feed = source.Feed with { Unrecoverable = null, Error = null };
            return null;
        }

        if (gap.Since + options.GapGrace > source.Time.GetUtcNow()) return gap.Since + options.GapGrace;
        if (await source.Inbox.FindGapsAsync(source.Name, 1, stopping).ConfigureAwait(false) is not [var missing, ..]) return source.Time.GetUtcNow();
        if (options.OnUnrecoverableGap == UnrecoverableGapPolicy.Block)
        {
            if (source.Feed.Unrecoverable != missing) LogWithoutFeed(source.Name, missing);
            source.Feed = source.Feed with { Unrecoverable = missing, Error = "there is none, for FeedBaseAddress is not set" };
            return null;
        }

        LogLost(source.Name, missing);
        await source.Inbox.AddLostAsync(source.Name, missing, stopping).ConfigureAwait(false);
        source.Stored.Set();
        return source.Time.GetUtcNow();
    }

    [LoggerMessage(611, LogLevel.Error,
        "Webhook source {Source} is configured for endpoint {Configured}, but its inbox holds the stream of {Stored}; use another inbox, or the former endpoint")]
    private partial void LogOtherEndpoint(string source, string configured, string stored);

    [LoggerMessage(600, LogLevel.Warning, "The feed of webhook source {Source} could not be read: {Why}; tried again in {Wait}")]
    private partial void LogFailed(string source, string why, TimeSpan wait);

    [LoggerMessage(601, LogLevel.Error, "The feed of webhook source {Source} answered {Status}: the sender accepts none of the configured secrets")]
    private partial void LogUnauthorized(string source, int status);

    [LoggerMessage(614, LogLevel.Error,
        "The feed of webhook source {Source} answered {Status}: the sender accepts neither the configured secrets nor FeedApiKey, which has to be live, to see the endpoint and to have the scope events:read")]
    private partial void LogKeyRefused(string source, int status);

    [LoggerMessage(612, LogLevel.Error,
        "The feed of webhook source {Source} answered 403: the secrets are right, but the endpoint's receiver_access at the sender does not allow its receiver to read it")]
    private partial void LogForbidden(string source);

    [LoggerMessage(602, LogLevel.Information, "Webhook source {Source} stored {Count} event(s) from the feed, numbers {From} to {To}")]
    private partial void LogBackfilled(string source, int count, long from, long to);

    [LoggerMessage(603, LogLevel.Warning, "Webhook source {Source} misses numbers from {From}; {Highest} is stored")]
    private partial void LogGap(string source, long from, long highest);

    [LoggerMessage(604, LogLevel.Critical, "The stream of webhook source {Source} is blocked, for its sender contradicts itself: {Detail}")]
    private partial void LogConflict(string source, string detail);

    [LoggerMessage(605, LogLevel.Warning, "Webhook source {Source} has a new epoch {Epoch} from number {Start} on")]
    private partial void LogNewEpoch(string source, int epoch, long start);

    [LoggerMessage(606, LogLevel.Critical, "Webhook source {Source} misses numbers {Range}, which cannot be had any more; the stream is blocked before them")]
    private partial void LogUnrecoverable(string source, SeqRange range);

    [LoggerMessage(613, LogLevel.Error,
        "Webhook source {Source} misses numbers {Range}, and has no feed (FeedBaseAddress) to fetch them from: the stream waits for their delivery. "
        + "If it was never meant to begin there, StartAt says where an empty inbox begins")]
    private partial void LogWithoutFeed(string source, SeqRange range);

    [LoggerMessage(607, LogLevel.Error, "Webhook source {Source} misses numbers {Range}, which cannot be had any more; they are recorded as lost")]
    private partial void LogLost(string source, SeqRange range);

    [LoggerMessage(608, LogLevel.Warning,
        "The inbox of webhook source {Source} is empty although its sender has settled everything up to {Cursor}; if this is no first installation, a store was lost")]
    private partial void LogSuspect(string source, long cursor);

    [LoggerMessage(609, LogLevel.Information, "The stream of webhook source {Source} begins at number {First} of epoch {Epoch}")]
    private partial void LogBegun(string source, long first, int epoch);

    [LoggerMessage(610, LogLevel.Information, "Webhook source {Source} was paused as {Reason}, has caught up to {After} and asked for delivery again: {Outcome}")]
    private partial void LogResume(string source, string reason, long after, ResumeOutcome outcome);
}
