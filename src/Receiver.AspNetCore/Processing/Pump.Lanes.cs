using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>
/// Where events do not all wait for each other, several are handled at the same time, each settled by itself, and the watermark passes over them
/// afterwards.
/// </summary>
internal sealed partial class Pump
{
    /// <summary>The watermark moves in a transaction of its own: not for each event, while there is more to do.</summary>
    private const int PassAtOnce = 64;

    private readonly Lanes _lanes = new();
    private readonly Dictionary<EventKey, Task> _running = [];
    private readonly ConcurrentQueue<Ended> _ended = new();

    // The last bodies read; those that are not begun at once are read again when their turn comes.
    private Dictionary<EventKey, InboxEvent> _page = [];

    // Where the stream stood at the last turn; null to begin anew. Every number below the next one is in a lane, settled or lost.
    private (StreamPosition Position, int Epoch)? _at;
    private long _next;
    private DateTimeOffset _troubledUntil;

    /// <summary>Waits until the handlers under way have ended: before another process may have the work, and when the application stops.</summary>
    public async Task EndAsync()
    {
        await DrainAsync().ConfigureAwait(false);
        _at = null;
    }

    private async Task DrainAsync()
    {
        await Task.WhenAll(_running.Values).ConfigureAwait(false);
        TakeEnded();
    }

    private async Task<PumpResult> RunLanesAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        // Back, or into a new epoch: what is in the lanes may not be what counts there.
        if (_at is not { } last || last.Epoch != state.Epochs.Latest || position.Seq < last.Position.Seq) await BeginLanesAsync(position).ConfigureAwait(false);
        _at = (position, state.Epochs.Latest);
        _next = Math.Max(_next, position.Seq + 1);
        _lanes.Follow(state);

        var began = 0;
        while (_running.Count < source.Settings.Options.MaxConcurrentHandlers)
        {
            if (_lanes.Take(source.Time.GetUtcNow()) is { } one)
            {
                Begin(one, _page.GetValueOrDefault(one.Key), stopping);
                began++;
            }
            else if (!await ReadIntoLanesAsync(state, position, stopping).ConfigureAwait(false))
            {
                break;
            }
        }

        if ((began == 0 || state.SettledUpTo(position.Seq) - position.Seq >= PassAtOnce) && await MoveOnAsync(state, position, stopping).ConfigureAwait(false))
            return new PumpResult(0, source.Time.GetUtcNow());
        // With all hands full, the end of one gives the signal.
        return new PumpResult(0, _running.Count < source.Settings.Options.MaxConcurrentHandlers ? _lanes.NextDue : null);
    }

    private async Task BeginLanesAsync(StreamPosition position)
    {
        await DrainAsync().ConfigureAwait(false);
        _lanes.Clear();
        _page = [];
        _next = position.Seq + 1;
    }

    /// <summary>Moves the watermark over what is settled. False when it stays.</summary>
    private async Task<bool> MoveOnAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        if (await PassMarkedAsync(state, position, stopping).ConfigureAwait(false)) return true;
        if ((_lanes.Lowest ?? _next) == position.Seq + 1 || state.Contiguous == position.Seq) return false;
        // The next number is in no lane, and so lost, or has come after all since it was.
        var stored = await source.Inbox.ReadAsync(source.Name, position.Seq + 1, 1, stopping).ConfigureAwait(false);
        if (stored is [var late] && late.Seq == position.Seq + 1)
        {
            if (_lanes.IsStopped) return false;
            _next = late.Seq;
            return true;
        }

        return await PassLostAsync(state, position, stored is [var later] ? later.Seq : null, stopping).ConfigureAwait(false);
    }

    /// <summary>Reads more events into the lanes. False when there are none that may be handled.</summary>
    private async Task<bool> ReadIntoLanesAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        var end = Math.Min(state.Contiguous, position.Seq + source.Settings.Options.MaxSettledAhead);
        while (_next <= end && state.IsSettledAhead(_next)) _next++;
        if (_next > end || _lanes.IsStopped) return false;
        var read = await source.Inbox.ReadAsync(source.Name, _next, (int)Math.Min(ReadAhead, end - _next + 1), stopping).ConfigureAwait(false);
        _page = read.ToDictionary(one => one.Key);
        var before = _next;
        foreach (var one in read)
        {
            // What is known to be stored may be committed only in a moment; then a number is missing here that is not lost, and the signal comes after it.
            if (one.Seq > end || one.Seq > SeqScan.PastLost(_next - 1, state.Lost) + 1) break;
            _next = one.Seq + 1;
            if (state.IsSettledAhead(one.Seq)) continue;
            var hold = state.EventHolds.FirstOrDefault(hold => hold.Seq == one.Seq && hold.EventId == one.Id);
            string? key = null;
            var isKnown = _order != ProcessingOrder.PerKey || source.TryKeyOf(one, out key, out _);
            _lanes.Add(new LaneEvent(one.Key, hold, LacksLane: !isKnown), key);
            if (!isKnown) break;
        }

        if (read.Count == 0) _next = Math.Min(SeqScan.PastLost(_next - 1, state.Lost), end) + 1;
        return _next > before;
    }

    private void Begin(LaneEvent one, InboxEvent? stored, CancellationToken stopping) =>
        // Not on this thread: until its first wait a handler would keep the others from beginning.
        _running.Add(one.Key, Task.Run(() => RunAsync(one, stored, stopping), CancellationToken.None));

    private async Task RunAsync(LaneEvent one, InboxEvent? stored, CancellationToken stopping)
    {
        var ended = new Ended(one.Key);
        try
        {
            stopping.ThrowIfCancellationRequested();
            ended = await HandleAsync(one, stored, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // It comes again, here or in another process.
        }
        // Whatever it is, it is not the handler's failure; the event is tried again soon.
        catch (Exception e)
        {
            LogTrouble(e, source.Name, one.Key.Id, new EventNumber(one.Key.Seq));
        }

        _ended.Enqueue(ended);
        source.Stored.Set();
    }

    private async Task<Ended> HandleAsync(LaneEvent one, InboxEvent? stored, CancellationToken stopping)
    {
        stored ??= (await source.Inbox.ReadAsync(source.Name, one.Key.Seq, 1, stopping).ConfigureAwait(false)).FirstOrDefault(read => read.Key == one.Key);
        // Settled by somebody else and pruned, or of an epoch that has been replaced there.
        if (stored is null) return new Ended(one.Key, new Settled(true, IsElsewhere: true));
        var candidate = new Candidate(stored, one.Attempts);
        if (!one.LacksLane) return new Ended(one.Key, await _settler.SettleAsync(candidate, stopping).ConfigureAwait(false));
        return source.TryKeyOf(stored, out var lane, out var failure)
            ? new Ended(one.Key, new Settled(true), (one with { LacksLane = false }, lane))
            : new Ended(one.Key, await _settler.FailedAsync(candidate, failure, stopping).ConfigureAwait(false));
    }

    /// <summary>Takes note of what has ended since the last turn.</summary>
    private int TakeEnded()
    {
        var settled = 0;
        while (_ended.TryDequeue(out var ended))
        {
            _running.Remove(ended.Key);
            if (ended.Outcome is not { } outcome) _lanes.Postponed(ended.Key, _troubledUntil = source.Time.GetUtcNow() + TimeSpan.FromSeconds(1));
            else if (outcome.Hold is { } hold) _lanes.Held(ended.Key, hold);
            else _lanes.Settled(ended.Key);
            if (ended.Known is { } known) _lanes.Add(known.Event, known.Lane);
            else if (ended.Outcome is { IsSettled: true }) settled++;
        }

        return settled;
    }

    /// <summary>How a handler's run ended.</summary>
    /// <param name="Key">The event.</param>
    /// <param name="Outcome">What became of it; null when it met trouble that is not its own.</param>
    /// <param name="Known">Its lane, when that was what was sought.</param>
    private readonly record struct Ended(EventKey Key, Settled? Outcome = null, (LaneEvent Event, string? Lane)? Known = null);

    [LoggerMessage(
        307, LogLevel.Error, "Event {EventId} ({Number}) of webhook source {Source} met trouble, and is tried again in a moment")]
    private partial void LogTrouble(Exception exception, string source, string eventId, EventNumber number);
}
