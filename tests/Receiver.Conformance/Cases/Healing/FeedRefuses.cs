using System.Globalization;
using Webhooks.Conformance.Feed;

namespace Webhooks.Conformance.Cases.Healing;

/// <summary>One status of a feed that cannot be read for a while.</summary>
internal sealed class FeedRefuses(int status, int? retryAfter, string title) : ConformanceCase(
    string.Create(CultureInfo.InvariantCulture, $"feed-answers-{status}"), title,
    "The feed refuses while a number is missing. Deliveries go on being accepted, the feed is asked again, not before Retry-After where it says so, and once it answers the gap is closed.",
    Needs.Observer | Needs.Feed | Needs.Order)
{
    // Clocks are read on both sides of a network.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(100);

    public override async Task RunAsync(CaseRun run)
    {
        run.Feed.Trouble = new FeedTrouble(status, retryAfter);
        var asked = run.Feed.Asks.Count;
        var events = run.Stream.Next(5);
        foreach (var i in new[] { 0, 2 }) await run.AcceptAsync(events[i]);
        var until = DateTime.UtcNow + run.Settings.Patience;
        while (run.Feed.Asks.Count < asked + (retryAfter is null ? 1 : 2) && DateTime.UtcNow < until) await Task.Delay(10, run.Cancel);
        foreach (var i in new[] { 3, 4 }) await run.AcceptAsync(events[i], $"a delivery while the feed answers {status}");
        var refused = run.Feed.Asks.Skip(asked).Where(ask => ask.Status == status).Select(ask => ask.At).ToList();
        if (refused.Count == 0) throw new CaseFailedException($"the feed was not asked within {run.Settings.Patience.TotalSeconds:0.#} s");
        run.Feed.Reset();
        await run.HandledOnceAsync(events);
        // Two nodes may each have asked once.
        if (retryAfter is { } seconds && run.Settings.Nodes.Count == 1
            && refused.Zip(refused.Skip(1), (one, next) => next - one).Any(wait => wait < TimeSpan.FromSeconds(seconds) - Slack))
            run.Problem($"the feed was asked again before the {seconds} s of Retry-After");
    }
}
