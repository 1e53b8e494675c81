namespace Webhooks.Conformance.Cases.Healing;

internal sealed class RestartInGap() : ConformanceCase(
    "restart-in-gap", "A gap outlives a restart, and is closed after it",
    "The feed is out of order, a number missing, and the receiver is killed. Afterwards it has to know what it holds and what it lacks, and to fetch it.",
    Needs.Observer | Needs.Feed | Needs.Restart | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        run.Feed.Trouble = new(503, 1);
        var events = run.Stream.Next(4);
        foreach (var i in new[] { 0, 2, 3 }) await run.AcceptAsync(events[i]);
        await run.HandledOnceAsync(events[0]);
        await run.RestartAsync();
        run.Feed.Reset();
        await run.HandledOnceAsync(events);
    }
}
