using Webhooks.Conformance.Feed;

namespace Webhooks.Conformance.Cases.Crashing;

internal sealed class AcknowledgedSurvives() : ConformanceCase(
    "acknowledged-survives-crash", "What was answered 2xx outlives a kill",
    "After a 2xx nobody sends the event again: it has to be durable before. The receiver is killed under load, three times; what it had not answered is sent again, what it had answered is not, "
    + "and the feed is out of order, so that it cannot ask for what it has forgotten.", Needs.Observer | Needs.Restart)
{
    public override async Task RunAsync(CaseRun run)
    {
        if (run.Settings.Feed is not null) run.Feed.Trouble = new FeedTrouble(503, 1);
        var load = await CrashUnderLoad.RunAsync(run);
        await run.HandledAtLeastOnceAsync("acknowledged before a kill, and never handled", load.Accepted);
    }
}
