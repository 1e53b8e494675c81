namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class VoidEvent() : ConformanceCase(
    "void-event", "An event whose data was expunged keeps its number, and does not hold up the others",
    "It comes as \"void\":true without data. No handler is called with it, and the stream goes on after it.", Needs.Observer | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        var (before, gone, after) = (run.Stream.Next(), run.Stream.NextVoid(), run.Stream.Next());
        await run.AcceptAsync(before);
        await run.AcceptAsync(gone, "a void event");
        await run.AcceptAsync(after);
        await run.HandledOnceAsync(before, after);
        await run.NeverHandledAsync([gone]);
    }
}
