namespace Webhooks.Conformance.Cases.Healing;

internal sealed class FeedOverlapsPush() : ConformanceCase(
    "backfill-overlaps-push", "What comes from the feed and by delivery at the same time is handled once",
    "Sixty events are missing, the feed gives ten at a time, and while the receiver reads them they are delivered, too. Both ways must end in the same store.",
    Needs.Observer | Needs.Feed | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        run.Feed.PageLimit = 10;
        var events = run.Stream.Next(61);
        var asked = run.Feed.Asks.Count;
        await run.AcceptAsync(events[^1], "an event far ahead of the others");
        var until = DateTime.UtcNow + run.Settings.Patience;
        while (run.Feed.Asks.Count == asked && DateTime.UtcNow < until) await Task.Delay(5, run.Cancel);
        if (run.Feed.Asks.Count == asked) throw new CaseFailedException($"the feed was not asked within {run.Settings.Patience.TotalSeconds:0.#} s");
        foreach (var one in events.Reverse()) await run.AcceptAsync(one, "an event that the feed gives, too,");
        await run.HandledOnceAsync(events);
    }
}
