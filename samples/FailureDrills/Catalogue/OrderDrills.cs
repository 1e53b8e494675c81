using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>What is lost, doubled or out of order on the way, and how the receiver makes it good.</summary>
internal static class OrderDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("accepted-but-lost", "The receiver finds what was accepted and lost, and fetches it from the feed")
        {
            Tags = ["order", "gap"],
            Story = """
                Something between platform and receiver answers 204 and drops the request. To the dispatcher the event is delivered. The receiver sees the
                hole in the numbers and reads the missing event from the feed, before it processes those that follow.
                """,
            Stub = Script.Of(Answer.FromReceiver.Times(2), Answer.Lost.Times(2), Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps = [Publish(6), Until(See.Processed(6))],
            Expect = [See.Processed(6), See.Delivered(6), See.Requests(6)],
            Bites = ["gap-backfill"],
        },
    ];
}
