namespace Webhooks.Conformance.Cases.Healing;

internal sealed class GapFilled() : ConformanceCase(
    "gap-filled-from-feed", "An event that never came is fetched from the feed, and handled in its place",
    "Of five events the second and third are not delivered. The receiver has to see that they are missing, ask the suite's feed for them, and handle all five in order.",
    Needs.Observer | Needs.Feed | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        var events = run.Stream.Next(5);
        foreach (var i in new[] { 0, 3, 4 }) await run.AcceptAsync(events[i]);
        await run.HandledOnceAsync(events);
    }
}
