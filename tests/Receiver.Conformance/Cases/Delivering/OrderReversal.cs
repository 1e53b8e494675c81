namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class OrderReversal() : ConformanceCase(
    "order-reversal", "Of two events that come in the wrong order, the lower is handled first",
    "A retry lets n+1 overtake n. Both are valid, so both are accepted; the second waits for the first. A receiver that takes what comes as it comes writes \"paid\" and then \"created\".",
    Needs.Observer | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        for (var round = 0; round < 3; round++)
        {
            var (first, second) = (run.Stream.Next(), run.Stream.Next());
            await run.AcceptAsync(second, "an event whose predecessor has not come");
            await run.AcceptAsync(first, "the predecessor");
            await run.HandledOnceAsync(first, second);
        }
    }
}
