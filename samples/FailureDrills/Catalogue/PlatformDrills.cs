using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Trouble on the platform's own side.</summary>
internal static class PlatformDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("killed-between-post-and-settle", "What a killed dispatcher had sent and not settled is sent again")
        {
            Tags = ["platform", "kill"],
            Story = """
                A dispatcher process is killed outright while a request is with the customer. Nobody knows any more that it was answered. When a
                dispatcher runs again, the endpoint is taken over and the same event is sent once more, with the same id and number; the events behind
                it follow.
                """,
            Stub = Script.Of(Answer.Ok.After(30), Answer.Ok),
            Nodes = 1,
            Steps = [Publish(3), Until(See.AtLeastRequests(1)), KillNode(), StartNode(), Until(See.Delivered(3))],
            Expect = [See.Arrived(1, 1, 2, 3), See.NeverPaused],
            Tuning = new() { Timeout = 60 },
            Budget = TimeSpan.FromSeconds(60),
        },
    ];
}
