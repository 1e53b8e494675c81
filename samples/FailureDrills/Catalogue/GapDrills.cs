using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Events that the dispatcher has delivered and the receiver does not have.</summary>
internal static class GapDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("accepted-but-lost", "The receiver finds what was accepted and lost, and fetches it from the feed")
        {
            Tags = ["order", "gap"],
            Story = """
                Something between platform and receiver answers 204 and drops the request. To the dispatcher the event is delivered. The receiver sees the hole
                in the numbers and reads the missing event from the feed, before it processes those that follow.
                """,
            Stub = Script.Of(Answer.FromReceiver.Times(2), Answer.Lost.Times(2), Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps = [Publish(6), Until(See.Processed(6))],
            Expect = [See.Processed(6), See.Delivered(6), See.Requests(6)],
            Bites = ["gap-backfill"],
        },
        new("last-one-lost", "The last event, lost with nothing behind it, is found by looking at the head")
        {
            Tags = ["order", "gap"],
            Story = """
                The very last event before a quiet night is accepted by a load balancer and lost. No later number shows that it is missing. The receiver asks
                the feed for the head when nothing has come for a while (5 minutes by default, 2 s here), and finds it.
                """,
            Stub = Script.Of(Answer.FromReceiver.Times(2), Answer.Lost),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(2), Until(See.Processed(2)),
                Until(See.Looked),
                Publish(1), Until(See.Delivered(3)), Until(See.Processed(3)),
            ],
            Expect = [See.Processed(3), See.Requests(3)],
            Bites = ["head-probe"],
        },
        new("restored-from-backup", "A receiver restored from a backup of 500 events ago fetches what it has forgotten")
        {
            Tags = ["order", "gap"],
            Story = """
                The customer's database is lost and restored from a backup: inbox and business data are as they were 500 events ago. To the dispatcher all of
                them were delivered long since. At its start the receiver looks at the feed, fetches the 500, and processes them once more into the data that
                lost their effects, in order.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Endpoint = settings => settings with { Batch = new BatchSettings { MaxEvents = 100 } },
            Steps =
            [
                // Its answer is out before the receiver stands still for the backup.
                Publish(20), Until(See.Processed(20)), Until(See.Delivered(20)),
                Do("the customer makes a backup of inbox and business data", stage => stage.Receiver!.BackUpAsync(stage.Cancel)),
                Publish(500), Until(See.Processed(520)), Until(See.Delivered(520)),
                Do("the customer's disk dies, and the backup is restored", stage => stage.Receiver!.RestoreAsync(stage.Cancel)), Until(See.Processed(520)),
                Publish(5), Until(See.Processed(525)), Until(See.Delivered(525)),
            ],
            Expect = [See.Processed(525), See.NeverPaused, See.Attempts()],
            Budget = TimeSpan.FromSeconds(90),
            Bites = ["gap-backfill"],
        },
        new("epoch-change", "After a change of epoch what is missing of the old one comes first")
        {
            Tags = ["order", "epoch"],
            Story = """
                The platform's database was restored, and may have lost commits: the operator begins a new epoch. Just before, two events were accepted and lost
                on the way. The numbers go on. The receiver sees the new epoch in the next delivery, fetches what it lacks of the old one, and then goes on with
                the new one.
                """,
            Stub = Script.Of(Answer.FromReceiver.Times(3), Answer.Lost.Times(2), Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(3), Until(See.Processed(3)), Publish(2), Until(See.Delivered(5)),
                Do("the operator begins a new epoch after a restore",
                    stage => stage.Platform.Services.GetRequiredService<IWebhookDispatcherAdministration>().RaiseEpochAsync("rehearsal", stage.Cancel)),
                Publish(2), Until(See.Processed(7)), Until(See.Delivered(7)),
            ],
            Expect =
            [
                See.Processed(7), See.NeverPaused,
                See.That("the requests after it are of a later epoch, which the receiver has taken up", Look.All,
                    e => Epoch(e.One.Requests[^1]) > Epoch(e.One.Requests[0]) && e.Stream?.Epoch == Epoch(e.One.Requests[^1]),
                    e => $"they are of epoch {Epoch(e.One.Requests[^1])}, the first was of {Epoch(e.One.Requests[0])}, the receiver is at {e.Stream?.Epoch}"),
            ],
            Bites = ["raise-epoch"],
        },
    ];

    private static int Epoch(StubRequest request)
    {
        using var body = System.Text.Json.JsonDocument.Parse(request.Request.Body);
        return body.RootElement.GetProperty("epoch").GetInt32();
    }
}
