using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Pauses, whoever began them, and how they end.</summary>
internal static class PauseDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("gone-then-resumed", "After the fix the operator resumes, and nothing of the pause is lost")
        {
            Tags = ["pauses"],
            Story = """
                A deployment of the customer's answers 410 for a while by mistake. The endpoint is paused; events go on being published. When the
                customer has put it right, the operator resumes, and all that was held is delivered in order.
                """,
            Stub = Script.Of(Answer.Ok, Answer.Of(410)),
            Steps = [Publish(3), Until(See.Paused(PauseReason.Gone)), Publish(5), Answering(Script.Of(Answer.Ok)), Resume(), Until(See.Delivered(8))],
            Expect = [See.Arrived(1, 2, 2, 3, 4, 5, 6, 7, 8), See.Active, See.Changed("endpoint.resumed", "operator")],
        },
    ];
}
