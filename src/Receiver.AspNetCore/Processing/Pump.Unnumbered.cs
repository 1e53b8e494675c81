namespace Webhooks.Receiver;

/// <summary>Events of foreign senders: each on its own, so a failing one holds up no other. By arrival one after the other, unless the order is another.</summary>
internal sealed partial class Pump
{
    private async Task<PumpResult> RunUnnumberedAsync(CancellationToken stopping)
    {
        var state = await source.Inbox.GetStateAsync(source.Name, stopping).ConfigureAwait(false);
        // Those that were given up wait for somebody, and not for a time.
        if (state.UnnumberedWaiting <= state.UnnumberedFailed) return default;
        if (_troubledUntil > source.Time.GetUtcNow()) return new PumpResult(0, _troubledUntil);
        var underWay = _running.Keys.Count(key => key.Seq == 0);
        var free = _order == ProcessingOrder.Stream ? ReadAhead : source.Settings.Options.MaxConcurrentHandlers - _running.Count;
        if (free <= 0) return default;
        var (settled, began) = (0, 0);
        var due = await source.Inbox.ReadUnnumberedAsync(source.Name, source.Time.GetUtcNow(), underWay + free, stopping).ConfigureAwait(false);
        foreach (var one in due)
        {
            if (_order == ProcessingOrder.Stream)
            {
                if ((await _settler.SettleAsync(new Candidate(one.Event, one.Attempts), stopping).ConfigureAwait(false)).IsSettled) settled++;
            }
            else if (began < free && !_running.ContainsKey(one.Event.Key))
            {
                Begin(new LaneEvent(one.Event.Key, one.Hold), one.Event, stopping);
                began++;
            }
        }

        // Of those under way each gives a signal. What waits and is not due waits for its next attempt; a second's slack is nothing beside the backoff.
        if (_order != ProcessingOrder.Stream && (began > 0 || due.Count > 0)) return default;
        var pause = due.Count == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.Zero;
        return new PumpResult(settled, source.Time.GetUtcNow() + pause);
    }
}
