namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class SingleValid() : ConformanceCase(
    CaseName, "A valid delivery is accepted and handled once",
    "Without this nothing else can be judged. A 2xx is not believed: the observer has to show the event.", Needs.Observer)
{
    public const string CaseName = "single-valid";

    public override async Task RunAsync(CaseRun run)
    {
        var one = run.Stream.Next();
        await run.AcceptAsync(one);
        await run.HandledOnceAsync(one);
    }
}
