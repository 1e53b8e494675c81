namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class Duplicate() : ConformanceCase(
    "duplicate", "An event that is delivered again is accepted and not handled again",
    "A sender whose answer was lost sends again: the same id, a new timestamp, so another signature. Anything but 2xx makes it send for ever; a second effect is charged twice.",
    Needs.Observer)
{
    private const int Times = 3;

    public override async Task RunAsync(CaseRun run)
    {
        var one = run.Stream.Next();
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        for (var i = 0; i < Times; i++)
            await run.AcceptAsync(one, run.Attempt(one) with { Timestamp = now - Times + i }, i == 0 ? "the first delivery" : $"delivery {i + 1} of the same event");
        // What comes after it shows that the receiver had the time to handle it again.
        var next = run.Stream.Next();
        await run.AcceptAsync(next);
        await run.HandledOnceAsync(one, next);
    }
}
