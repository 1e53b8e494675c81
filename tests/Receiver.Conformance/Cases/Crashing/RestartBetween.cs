namespace Webhooks.Conformance.Cases.Crashing;

internal sealed class RestartBetween() : ConformanceCase(
    "restart-between-attempts", "After a restart an event is a duplicate still",
    "A memory of ids that the process takes with it makes every deploy a second effect of whatever is sent again.", Needs.Observer | Needs.Restart)
{
    public override async Task RunAsync(CaseRun run)
    {
        var one = run.Stream.Next();
        await run.AcceptAsync(one);
        await run.HandledOnceAsync(one);
        await run.RestartAsync();
        await run.AcceptAsync(one, "the same event after a restart");
        var next = run.Stream.Next();
        await run.AcceptAsync(next);
        await run.HandledOnceAsync(one, next);
    }
}
