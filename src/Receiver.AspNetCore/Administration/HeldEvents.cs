using System.Globalization;

namespace Webhooks.Receiver;

/// <summary>Finds a source's events that have not gone through, wherever they are kept.</summary>
internal sealed class HeldEvents(ReceiverSource source)
{
    /// <summary>Bodies are read for their type only, so never many at once.</summary>
    private const int Chunk = 10;

    public async Task<HeldEventPage> ListAsync(bool parked, string? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 250);
        var (from, listed) = (ReadPlace(after), new List<HeldEvent>());
        // One more than asked for tells whether there is another page.
        while (listed.Count <= limit)
        {
            var count = Math.Min(Chunk, limit + 1 - listed.Count);
            var found = parked
                ? await ParkedAsync(null, from, count, cancellationToken).ConfigureAwait(false)
                : await WaitingAsync(from, count, cancellationToken).ConfigureAwait(false);
            listed.AddRange(found.Select(one => one.Shown with { Body = null }));
            if (found.Count < count) return new HeldEventPage(listed, null);
            from = found[^1].Stored.Key;
        }

        listed.RemoveAt(limit);
        var last = listed[^1];
        return new HeldEventPage(listed, string.Create(CultureInfo.InvariantCulture, $"{last.Seq}.{last.Epoch}.{last.Id}"));
    }

    /// <summary>The parked event of an id; null when there is none.</summary>
    public async Task<ParkedEvent?> FindParkedAsync(string eventId, CancellationToken cancellationToken) =>
        await source.Inbox.ReadParkedAsync(source.Name, eventId, default, 1, cancellationToken).ConfigureAwait(false) is [var parked, ..] ? parked : null;

    /// <summary>The event of an id that waits; null when there is none.</summary>
    public async Task<(InboxEvent Stored, StreamHold Hold)?> FindWaitingAsync(string eventId, CancellationToken cancellationToken)
    {
        var failed = await source.Inbox.ReadFailedUnnumberedAsync(source.Name, eventId, "", 1, cancellationToken).ConfigureAwait(false);
        if (failed is [{ Hold: { } given } one]) return (one.Event, given);
        var state = await source.Inbox.GetStateAsync(source.Name, cancellationToken).ConfigureAwait(false);
        foreach (var hold in Holds(state))
            if (hold.EventId == eventId && await StoredAsync(hold, cancellationToken).ConfigureAwait(false) is { } stored) return (stored, hold);
        return null;
    }

    public HeldEvent Show(InboxEvent stored, StreamHold hold) => Show(stored) with
    {
        State = hold.RetryAt is null ? HeldState.Blocked : HeldState.Retrying, Reason = hold.Reason, Attempts = hold.Attempts,
        Detail = hold.Detail, At = hold.At, RetryAt = hold.RetryAt,
    };

    public HeldEvent Show(ParkedEvent parked) => Show(parked.Event) with
    {
        State = HeldState.Parked, Attempts = parked.Attempts, Detail = parked.Reason, At = parked.At,
    };

    private HeldEvent Show(InboxEvent stored) => new()
    {
        Id = stored.Id, Type = source.TryOpen(stored, out var envelope, out _) ? envelope.Type : "", Epoch = stored.Epoch, Seq = stored.Seq,
        Detail = "", Body = stored.Body,
    };

    private async Task<List<(InboxEvent Stored, HeldEvent Shown)>> ParkedAsync(string? eventId, EventKey after, int limit, CancellationToken cancellationToken) =>
        [.. (await source.Inbox.ReadParkedAsync(source.Name, eventId, after, limit, cancellationToken).ConfigureAwait(false)).Select(one => (one.Event, Show(one)))];

    private async Task<List<(InboxEvent Stored, HeldEvent Shown)>> WaitingAsync(EventKey after, int limit, CancellationToken cancellationToken)
    {
        var found = new List<(InboxEvent, HeldEvent)>();
        if (after.Seq == 0)
        {
            foreach (var one in await source.Inbox.ReadFailedUnnumberedAsync(source.Name, null, after.Id ?? "", limit, cancellationToken).ConfigureAwait(false))
                if (one.Hold is { } hold) found.Add((one.Event, Show(one.Event, hold)));
        }

        var state = await source.Inbox.GetStateAsync(source.Name, cancellationToken).ConfigureAwait(false);
        foreach (var hold in Holds(state).Where(hold => hold.Seq > after.Seq))
        {
            if (found.Count == limit) break;
            if (await StoredAsync(hold, cancellationToken).ConfigureAwait(false) is { } stored) found.Add((stored, Show(stored, hold)));
        }

        return found;
    }

    /// <summary>What events of the stream wait for, by number. A conflict is the stream's own, and not an event's.</summary>
    private static IEnumerable<StreamHold> Holds(InboxState state) =>
        state.EventHolds.Concat(state.Hold is { EventId: not null, Seq: > 0, Reason: not HoldReason.StreamConflict } hold ? [hold] : [])
            .Where(hold => hold.Seq > (state.Position?.Seq ?? 0)).OrderBy(hold => hold.Seq);

    private async Task<InboxEvent?> StoredAsync(StreamHold hold, CancellationToken cancellationToken) =>
        await source.Inbox.ReadAsync(source.Name, hold.Seq, 1, cancellationToken).ConfigureAwait(false) is [var one] && one.Seq == hold.Seq && one.Id == hold.EventId
            ? one
            : null;

    private static EventKey ReadPlace(string? text)
    {
        if (text is null) return default;
        return text.Split('.', 3) is [var seq, var epoch, { Length: > 0 } id]
            && long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && int.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            ? new EventKey(generation, number, id)
            : throw new ArgumentException("It is of no page: take what the page before gave as its next.", nameof(text));
    }
}
