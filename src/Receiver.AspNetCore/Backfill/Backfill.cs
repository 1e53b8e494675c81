using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>
/// Finds what was missed: reads the sender's feed at start, when a number stays missing, and when no delivery has come for long, and stores
/// what it gives like a delivery. When it has caught up with a paused endpoint, it asks for delivery again.
/// </summary>
internal sealed partial class Backfill(ReceiverSource source, FeedClient client, ReceiverMetrics metrics, Random random, ILogger<Backfill> logger)
{
    private static readonly TimeSpan FullInboxPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeastBetweenLooks = TimeSpan.FromMilliseconds(100);
    private const int MaxGaps = 100;

    private bool _looked;
    private DateTimeOffset _lookedAt;
    private StreamPosition? _position;
    private DateTimeOffset _notBefore;
    private int _failures;
    private double _jitter = 1;
    private (long After, DateTimeOffset Since)? _gap;
    private readonly PagePace _pace = new();

    /// <summary>Looks if it is time to.</summary>
    /// <returns>When it is time next; null to wait for a signal.</returns>
    public async Task<DateTimeOffset?> RunOnceAsync(CancellationToken stopping)
    {
        var settings = source.Settings.Current;
        var options = settings.Options;
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        TrackGap(state);
        if (options.FeedBaseAddress is null) return await WithoutFeedAsync(options, state, stopping).ConfigureAwait(false);
        if (options.Endpoint is { } configured && state.Endpoint is null)
            await source.Inbox.BindAsync(source.Name, configured, stopping).ConfigureAwait(false);
        if ((options.Endpoint ?? state.Endpoint) is not { } endpoint) return null;
        if (state.Endpoint is { } stored && stored != endpoint)
        {
            if (source.RefusedEndpoint != endpoint) LogOtherEndpoint(source.Name, endpoint, stored);
            source.RefusedEndpoint = endpoint;
            return null;
        }

        var now = source.Time.GetUtcNow();
        // Somebody had the stream go back, perhaps through another process: what it goes over again may have to be fetched.
        if (state.Position?.Seq < _position?.Seq) source.ProbeAsked = true;
        _position = state.Position;
        if (!source.ProbeAsked && Time(state).Next(options) is var next && next > now) return next;
        source.ProbeAsked = false;
        await LookAsync(settings, endpoint, stopping).ConfigureAwait(false);
        state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        TrackGap(state);
        return Time(state).Next(options);
    }

    private LookTime Time(InboxState state) => new(
        _looked, _lookedAt, source.LastDelivery, source.Feed.Unrecoverable is null ? _gap?.Since : null, source.Feed.PauseReason is not null,
        state.Position is null || state.HighestEpoch > state.Epochs.Latest, _notBefore, _jitter);

    /// <summary>Reads page after page until there are no more.</summary>
    private async Task LookAsync(ReceiverSettings.InForce settings, string endpoint, CancellationToken stopping)
    {
        var options = settings.Options;
        var live = settings.Secrets.At(source.Time.GetUtcNow());
        if (live.Standard.Length == 0 || (live.Signing.Length == 0 && options.FeedApiKey is null))
        {
            Failed(live.Standard.Length == 0 ? "no secret is live" : "no live secret can sign the request, and FeedApiKey is not set", null, options);
            return;
        }

        long? from = null;
        while (true)
        {
            if (_pace.Take(source.Time.GetUtcNow()) is var rest && rest > TimeSpan.Zero)
                await Task.Delay(rest, source.Time, stopping).ConfigureAwait(false);
            var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
            var after = Math.Max(from ?? 0, state.Contiguous);
            // Beyond the highest stored number nothing is what the others wait for.
            if (state.Waiting >= options.InboxLimit && after >= state.Highest)
            {
                _notBefore = source.Time.GetUtcNow() + FullInboxPause;
                return;
            }

            var answer = await client.ReadAsync(settings, endpoint, after, options.BackfillPageSize, stopping).ConfigureAwait(false);
            if (answer.Page is not { } page)
            {
                if (options.FeedApiKey is not null && answer is { Status: 401 or 403, Outcome: not FeedOutcome.Forbidden }) LogKeyRefused(source.Name, answer.Status);
                else if (answer.Outcome == FeedOutcome.Unauthorized) LogUnauthorized(source.Name, answer.Status);
                if (answer.Outcome == FeedOutcome.Forbidden) LogForbidden(source.Name);
                Failed(answer.Describe(), answer.RetryAfter, options);
                return;
            }

            var verdict = await BelieveAsync(options, state, page, answer.Outcome, after, stopping).ConfigureAwait(false);
            if (verdict.Failure is { } failure)
            {
                Failed(failure, null, options);
                return;
            }

            from = verdict.ReadOnAfter;
            if (verdict.IsLast)
            {
                await FinishAsync(settings, endpoint, page, stopping).ConfigureAwait(false);
                return;
            }
        }
    }

    /// <summary>Acts on a verified answer.</summary>
    private async Task<Verdict> BelieveAsync(
        WebhookReceiverOptions options, InboxState state, FeedPage page, FeedOutcome outcome, long after, CancellationToken stopping)
    {
        // Without this check an answer that contradicts itself would be asked for again and again.
        if (outcome == FeedOutcome.RangeExpired && page.Floor <= after + 1) return new Verdict { Failure = "the page is said to begin below the floor, and does not" };
        if (state.Position is not { } position)
        {
            // The floor lies above: only a page tells the cursor.
            if (outcome == FeedOutcome.RangeExpired) return new Verdict { ReadOnAfter = page.Floor - 1 };
            await BeginFromFeedAsync(options, page, stopping).ConfigureAwait(false);
            state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
            // Where the stream begins with this very page, it is not asked for again.
            if (state.Position is not { } begun || begun.Seq != after || page.Epoch != state.Epochs.Latest) return default;
            position = begun;
        }

        if (page.Epoch > state.Epochs.Latest)
        {
            LogNewEpoch(source.Name, page.Epoch, page.EpochStart);
            await source.Inbox.AddEpochAsync(source.Name, new EpochStart(page.Epoch, page.EpochStart), stopping).ConfigureAwait(false);
            source.Stored.Set();
            return default;
        }

        if (page.Epoch < state.Epochs.Latest || page.Head < state.Epochs.Base(position))
            return await ConflictAsync(state, page, stopping).ConfigureAwait(false);
        if (outcome == FeedOutcome.RangeExpired) return await ExpiredAsync(options, state, page, stopping).ConfigureAwait(false);

        for (var i = 0; i < page.Events.Count; i++)
            if (page.Events[i].Seq != after + 1 + i) return new Verdict { Failure = "the page has a hole" };
        return await StorePageAsync(page, after, stopping).ConfigureAwait(false);
    }

    private async Task<Verdict> StorePageAsync(FeedPage page, long after, CancellationToken stopping)
    {
        if (page.Events.Count > 0)
        {
            // No limit: these are what the waiting ones wait for, and the loop stops at the limit by itself.
            var outcomes = await source.Inbox.StoreAsync(source.Name, page.Events, new StoreRules(int.MaxValue), stopping).ConfigureAwait(false);
            source.InboxIsBack();
            var stored = outcomes.Count(one => one == StoreOutcome.Stored);
            if (stored > 0)
            {
                metrics.Backfilled(source.Name, stored);
                LogBackfilled(source.Name, stored, page.Events[0].Seq, page.Events[^1].Seq);
                source.Stored.Set();
            }

            if (outcomes.Contains(StoreOutcome.Conflict)) LogConflict(source.Name, "the feed gives a number to another event than was delivered");
            if (outcomes.Contains(StoreOutcome.OtherEndpoint)) return new Verdict { Failure = "the page has events of another endpoint" };
        }

        if (page is { HasMore: true, Events.Count: 0 }) return new Verdict { Failure = "the page is empty and says there is more" };
        return new Verdict { IsLast = !page.HasMore, ReadOnAfter = after + page.Events.Count };
    }

    private async Task FinishAsync(ReceiverSettings.InForce settings, string endpoint, FeedPage page, CancellationToken stopping)
    {
        var now = source.Time.GetUtcNow();
        (_looked, _lookedAt, _failures, _notBefore) = (true, now, 0, now + LeastBetweenLooks);
        // What is still missing came after the answer was made, and has its grace like any other.
        if (_gap is { } gap) _gap = (gap.After, now);
        _jitter = Backoff.Jitter(random.NextDouble());
        var paused = page.Status == "paused" ? page.PauseReason ?? "unknown" : null;
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        source.Feed = source.Feed with
        {
            ReadAt = now, Head = page.Head, PauseReason = paused, Error = null,
            Unrecoverable = source.Feed.Unrecoverable is { } range && state.Contiguous < range.To ? range : null,
        };

        if (state.Contiguous < page.Head)
        {
            if (source.Feed.Unrecoverable is null) Failed("the feed does not give all it has", null, settings.Options);
        }
        else if (state.HighestEpoch > state.Epochs.Latest)
        {
            // Asked without a wait otherwise, for an event of an epoch that the feed does not know is waiting for its beginning.
            Failed($"a delivery was of epoch {state.HighestEpoch}, the feed is at epoch {page.Epoch}", null, settings.Options);
        }
        else await ResumeIfPausedAsync(settings, endpoint, state, paused, stopping).ConfigureAwait(false);
    }

    private void Failed(string why, TimeSpan? retryAfter, WebhookReceiverOptions options)
    {
        _failures++;
        var wait = Backoff.Next(_failures, options.FeedRetryMin, options.FeedRetryMax, random.NextDouble(), retryAfter);
        _notBefore = source.Time.GetUtcNow() + wait;
        source.Feed = source.Feed with { Error = why };
        LogFailed(source.Name, why, wait);
    }

    private void TrackGap(InboxState state)
    {
        var open = state.HasGap ? state.Contiguous : (long?)null;
        if (open == _gap?.After) return;
        if (_gap is not null) metrics.GapClosed(source.Name);
        _gap = open is { } after ? (after, source.Time.GetUtcNow()) : null;
        if (open is null) return;
        metrics.GapOpened(source.Name);
        LogGap(source.Name, state.Contiguous + 1, state.Highest);
    }

    /// <summary>What follows from an answer.</summary>
    private readonly record struct Verdict(bool IsLast, long? ReadOnAfter, string? Failure);
}
