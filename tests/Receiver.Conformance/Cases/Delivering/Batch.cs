using Webhooks.Conformance.Sending;

namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class Batch() : ConformanceCase(
    "batch", "A batch is taken whole, and each of its events once, however it is cut",
    "A sender may put consecutive events into one request, and cut them in another way when it sends them again. Events are known by their numbers, not by the batch's id.",
    Needs.Observer | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        var events = run.Stream.Next(6);
        await SendAsync(run, events[..4]);
        await SendAsync(run, events[2..]);
        await SendAsync(run, events);
        await run.AcceptAsync(events[3], "one of the events of a batch, alone,");
        await run.HandledOnceAsync(events);
    }

    private static async Task SendAsync(CaseRun run, SentEvent[] events)
    {
        var batch = SentEvent.BuildBatch($"batch_{events[0].Seq}_{events[^1].Seq}", run.Stream.Endpoint, events);
        var answer = await run.SendAsync(run.Attempt(batch));
        if (!answer.IsAccepted) throw new CaseFailedException($"a batch of numbers {events[0].Seq} to {events[^1].Seq} was answered {answer}, not 2xx");
        foreach (var one in events) run.Stream.Accepted(one.Seq);
    }
}
