namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class LateDuplicate() : ConformanceCase(
    "late-duplicate", "An event that was handled long ago is a duplicate still",
    "A replay, or a retry out of a slow queue, comes after many others. A memory of the last few ids, or of the last few minutes, does not know it any more.", Needs.Observer)
{
    private const int Between = 20;

    public override async Task RunAsync(CaseRun run)
    {
        var events = run.Stream.Next(Between);
        foreach (var one in events) await run.AcceptAsync(one);
        await run.HandledOnceAsync(events);
        await run.AcceptAsync(events[0], "the first of many, again,");
        var next = run.Stream.Next();
        await run.AcceptAsync(next);
        await run.HandledOnceAsync([.. events, next]);
    }
}
