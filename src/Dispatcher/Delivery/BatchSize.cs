using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>
/// How many events go into the next request of a batch endpoint; pure. After a failed batch its first half is tried, down to one event, so that
/// the evidence names the culprit; what succeeds doubles it again (design 5.4).
/// </summary>
/// <param name="settings">The endpoint's limits.</param>
/// <param name="cautious">Whether the last attempt failed, so that one event alone is tried.</param>
internal sealed class BatchSize(BatchSettings settings, bool cautious)
{
    private int _most = cautious ? 1 : settings.MaxEvents;

    public TimeSpan MaxWait => settings.MaxWait;

    /// <summary>How many of the waiting events make the next request, and whether no more of them would fit.</summary>
    public (int Count, bool IsFull) Cut(IEnumerable<DeliveryItem> waiting)
    {
        var count = 0;
        var bytes = Envelope.Frame;
        foreach (var item in waiting)
        {
            bytes += Envelope.Size(item);
            if (count == _most || (count > 0 && bytes > settings.MaxBytes)) return (count, true);
            count++;
        }

        return (count, count == _most);
    }

    public void Succeeded() => _most = Math.Min(settings.MaxEvents, _most * 2);

    /// <summary>A request of so many events failed.</summary>
    public void Failed(int events) => _most = Math.Max(1, events / 2);

    /// <summary>
    /// Whether a smaller one could fare better: what an endpoint answers may be for one of the events, or for their size; that it cannot be
    /// reached is not, nor what it says it wants to be left alone for (<c>Retry-After</c>; the caller looks at that).
    /// </summary>
    public static bool MayDependOnContent(AttemptOutcome outcome) =>
        outcome is AttemptOutcome.HttpError or AttemptOutcome.Redirected or AttemptOutcome.TimedOut or AttemptOutcome.ConnectionReset
            or AttemptOutcome.InvalidResponse or AttemptOutcome.ResponseTooLarge or AttemptOutcome.Unavailable;
}
