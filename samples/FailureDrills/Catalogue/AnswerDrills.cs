using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>What an endpoint answers, and what follows from it.</summary>
internal static class AnswerDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("gone", "410 pauses at once, and what follows is held")
        {
            Tags = ["answers", "pause"],
            Story = """
                A customer has taken the endpoint down for good and answers 410 Gone. Sending on would be of no use to anybody: the first such answer
                pauses the endpoint, and nothing that is published afterwards is lost.
                """,
            Stub = Script.Of(Answer.Of(410, "no longer here")),
            Steps = [Publish(3), Until(See.Paused(PauseReason.Gone)), Publish(2), Stay(0.3)],
            Expect = [See.Paused(PauseReason.Gone, "410"), See.Requests(1), See.Held(5), See.Attempts("gone"), See.Changed("endpoint.paused", "dispatcher"), See.Counted("paused", "gone", 1)],
            Bites = ["pause-on-410"],
        },
        new("three-failures", "Three failed deliveries in a row pause")
        {
            Tags = ["answers", "pause"],
            Story = """
                A customer's application fails on every request. After the third failed delivery in a row the endpoint is paused as failing, with the last
                answer as evidence, and sending stops.
                """,
            Stub = Script.Of(Answer.Of(500, "out of order")),
            Steps = [Publish(2), Until(See.Paused(PauseReason.Failing)), Stay(0.3)],
            Expect = [See.Paused(PauseReason.Failing, "500"), See.Requests(3), See.Arrived(1, 1, 1), See.Held(2), See.Attempts("http_error", "http_error", "http_error")],
            Bites = ["pause-on-failures"],
        },
        new("two-failures-then-success", "A delivery resets the count of failures")
        {
            Tags = ["answers"],
            Story = """
                A customer's application fails twice, recovers, and fails twice again later. It never failed three times in a row, so it is never paused.
                """,
            Stub = Script.Of(Answer.Of(500).Times(2), Answer.Ok, Answer.Of(500).Times(2), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 1, 2, 2, 2), See.NeverPaused, See.Failures(0)],
            Bites = ["reset-count"],
        },
        new("reset-instead-of-answer", "A reset connection is a failed delivery, and the event is sent again")
        {
            Tags = ["answers"],
            Story = """
                A load balancer in front of the customer's application drops the connection after it took the request. Whether the event was processed is
                unknown, so it is sent again with the same id and number.
                """,
            Stub = Script.Of(Answer.Broken(Fault.Reset), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 2), See.Attempts("connection_reset"), See.NeverPaused],
        },
    ];
}
