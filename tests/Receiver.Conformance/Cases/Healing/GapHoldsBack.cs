namespace Webhooks.Conformance.Cases.Healing;

internal sealed class GapHoldsBack() : ConformanceCase(
    "gap-holds-back", "While a number is missing, what follows it waits",
    "The feed is out of order, and one event withheld. What follows is accepted and not handled; then the missing one is delivered, and all are handled in order. "
    + "A receiver that goes on after a while has lost the event without anybody's being told.", Needs.Observer | Needs.Feed | Needs.Order)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    public override async Task RunAsync(CaseRun run)
    {
        run.Feed.Trouble = new(503, 1);
        var events = run.Stream.Next(4);
        foreach (var i in new[] { 0, 2, 3 }) await run.AcceptAsync(events[i]);
        await run.HandledOnceAsync(events[0]);
        await Task.Delay(Wait, run.Cancel);
        var early = (await run.HandledAsync()).Select(one => one.Id).Intersect([events[2].Id, events[3].Id]).ToList();
        if (early.Count > 0) run.Problem($"handled although number {events[1].Seq} was missing: {string.Join(", ", early)}");
        await run.AcceptAsync(events[1], "the missing event");
        await run.HandledOnceAsync(events);
    }
}
