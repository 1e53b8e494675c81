namespace Webhooks.Conformance.Cases.Healing;

internal sealed class TwoNodes() : ConformanceCase(
    "two-nodes", "Two nodes on one store handle each event once, in order",
    "Shuffled and doubled deliveries go to both at the same time, with three of the numbers missing that only the feed has. Whoever processes, the order is one.",
    Needs.Observer | Needs.SecondNode | Needs.Feed | Needs.Order)
{
    private const int Events = 40;
    private static readonly int[] Withheld = [7, 19, 31];

    public override async Task RunAsync(CaseRun run)
    {
        for (var round = 0; round < 3; round++)
        {
            var events = run.Stream.Next(Events);
            var deliveries = events.Where((_, i) => !Withheld.Contains(i)).SelectMany(one => new[] { (One: one, Node: 0), (One: one, Node: 1) }).ToArray();
            Random.Shared.Shuffle(deliveries);
            await Parallel.ForEachAsync(
                deliveries, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = run.Cancel },
                async (delivery, _) => await run.AcceptAsync(delivery.One, $"a delivery to node {delivery.Node + 1}", delivery.Node));
            await run.HandledOnceAsync(events);
        }
    }
}
