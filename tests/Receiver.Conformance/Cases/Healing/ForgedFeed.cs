using Webhooks.Signing;

namespace Webhooks.Conformance.Cases.Healing;

internal sealed class ForgedFeed() : ConformanceCase(
    "feed-forged", "A feed's answer that no live secret has signed is not believed",
    "Somebody who has got between the two answers the receiver's question with events of his own. Their signature is of another key; nothing of it may be stored.",
    Needs.Observer | Needs.Feed | Needs.Order)
{
    public override async Task RunAsync(CaseRun run)
    {
        run.Feed.Forger = WebhookSecret.Generate();
        var asked = run.Feed.Asks.Count;
        var events = run.Stream.Next(3);
        foreach (var i in new[] { 0, 2 }) await run.AcceptAsync(events[i]);
        var until = DateTime.UtcNow + run.Settings.Patience;
        while (run.Feed.Asks.Count == asked && DateTime.UtcNow < until) await Task.Delay(10, run.Cancel);
        if (run.Feed.Asks.Count == asked) throw new CaseFailedException($"the feed was not asked within {run.Settings.Patience.TotalSeconds:0.#} s");
        await Task.Delay(200, run.Cancel);
        run.Feed.Reset();
        if ((await run.HandledAsync()).FirstOrDefault(one => one.Id.StartsWith(run.Stream.IdPrefix + "forged_feed", StringComparison.Ordinal)) is { } forged)
        {
            foreach (var one in events) await run.DeliverAsync(one);
            throw new CaseFailedException($"{forged.Id} was handled, which came in an answer of a key that is not the sender's");
        }

        await run.HandledOnceAsync(events);
    }
}
