namespace Webhooks.Conformance.Cases.Crashing;

internal sealed class CrashThenRetry() : ConformanceCase(
    "crash-then-retry", "What a kill left half done is done once in the end",
    "Between an effect and the mark that it was made, or between the mark and the effect, the process dies. Unless both are one commit, the retry makes the effect twice, or never. "
    + "The receiver is killed under load, three times, and everything it had not answered is sent again.", Needs.Observer | Needs.Restart)
{
    public override async Task RunAsync(CaseRun run)
    {
        var load = await CrashUnderLoad.RunAsync(run);
        await run.HandledOnceAsync(load.Accepted);
    }
}
