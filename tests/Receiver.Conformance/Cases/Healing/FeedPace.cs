namespace Webhooks.Conformance.Cases.Healing;

internal sealed class FeedPace() : ConformanceCase(
    "feed-pace", "The feed is asked at most ten times a second",
    "A sender allows ten requests a second to each endpoint and answers 429 beyond it. Sixteen pages are missing; a receiver that asks as fast as it can keeps being refused.",
    Needs.Observer | Needs.Feed | Needs.Order)
{
    private const int Pages = 16;
    private const int Allowed = 10;

    public override async Task RunAsync(CaseRun run)
    {
        run.Feed.PageLimit = 5;
        var asked = run.Feed.Asks.Count;
        var events = run.Stream.Next((Pages * 5) + 1);
        await run.AcceptAsync(events[^1], "an event far ahead of the others");
        await run.HandledOnceAsync(events);
        var times = run.Feed.Asks.Skip(asked).Select(ask => ask.At).Order().ToList();
        var most = times.Select(at => times.Count(other => other >= at && other < at + TimeSpan.FromSeconds(1))).DefaultIfEmpty().Max();
        // One more than allowed may be clocks.
        if (most > Allowed + 1) run.Problem($"the feed was asked {most} times within a second");
    }
}
