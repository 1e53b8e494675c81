using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Links;
using Webhooks.FailureDrills.Seeing;
using static Webhooks.FailureDrills.Declaring.Steps;
using static Webhooks.FailureDrills.Links.LinkSteps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Ways to the customer that are slow, stall, or lose packets.</summary>
internal static class SlowLinkDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("slow-link", "A slow way is no failure: each event is sent once, in order")
        {
            Tags = ["network", "slow"],
            Story = """
                The way to the customer is thin: requests and answers trickle through a few bytes at a time. As long as an attempt ends within its time, it is
                no failure, and nothing is sent twice.
                """,
            Steps = [LayLinks(slowWait: 0.01), Turn(LinkState.Slow), Publish(5), Until(See.Delivered(5))],
            Expect = [See.Arrived(1, 2, 3, 4, 5), See.Attempts(), See.NeverPaused],
            Tuning = new() { Timeout = 20 },
        },
        new("stalled-answer", "An answer that stalls is broken off in time, and the event is sent again")
        {
            Tags = ["network", "slow"],
            Story = """
                Requests reach the customer, but of its answers only the first bytes come back: somewhere between, the rest is stuck. The attempt ends when its
                time is over, and whether the event was processed is unknown. The endpoint is paused; when the way is mended, the event is sent once more, with
                the same id.
                """,
            Endpoint = settings => settings with { FailureThreshold = 1 },
            Tuning = new() { Timeout = 1.5 },
            Steps =
            [
                LayLinks(), Turn(LinkState.Stalling), Publish(2), Until(See.Paused(PauseReason.Failing, "within")), Turn(LinkState.Open),
                // A machine that is slow for once may miss the time again.
                Do("the operator allows for more failures and resumes", async stage =>
                {
                    var url = Of(stage, 0).Url.ToString();
                    await stage.Platform.Endpoints.UpdateAsync(stage.Target.Id, stage.Target.Settings with { Url = url, FailureThreshold = 20 }, stage.Cancel);
                    await stage.Platform.Endpoints.ResumeAsync(stage.Target.Id, null, stage.Cancel);
                }),
                Until(See.Delivered(2)),
            ],
            Expect =
            [
                FailedAs("timed_out"),
                See.That("the first event came again with the same id", Look.Stub, e => e.One.Requests.Count(one => one.Request.WebhookId == e.One.Target.Published[0].Value) >= 2,
                    e => $"the requests were {string.Join(", ", e.One.Requests.Select(one => one.Request.WebhookId))}"),
            ],
            Bites = ["attempt-timeout"],
        },
        new("packet-loss", "Lost and delayed packets are TCP's business: each event arrives, in order")
        {
            Tags = ["network", "slow"],
            Story = """
                The network between platform and customer delays each packet and loses some, in both directions: real packets, in a network namespace of the
                drill's own. TCP sends again what was lost; attempts take longer, and all is delivered in order. Where the machine gives no namespaces to this
                user, this is reported as not supported; slow-link and stalled-answer show the same from above.
                """,
            Steps = [LayLossyLink(delaySeconds: 0.01, everyLost: 9), Publish(8), Until(See.Delivered(8))],
            Expect = [LostPackets, See.NeverPaused, See.Active],
            Tuning = new() { Timeout = 20 },
            Budget = TimeSpan.FromSeconds(60),
        },
    ];
}
