namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class ShuffledBurst() : ConformanceCase(
    "shuffled-burst", "Events that come shuffled, doubled and at the same time are handled once each, in order",
    "Forty deliveries of twenty events in a random order, eight at a time: what a backlog looks like that several senders work off.", Needs.Observer | Needs.Order)
{
    private const int Events = 20;

    public override async Task RunAsync(CaseRun run)
    {
        var events = run.Stream.Next(Events);
        var deliveries = events.Concat(events).ToArray();
        Random.Shared.Shuffle(deliveries);
        await Parallel.ForEachAsync(
            deliveries, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = run.Cancel },
            async (one, _) => await run.AcceptAsync(one, "one of a shuffled burst"));
        await run.HandledOnceAsync(events);
    }
}
