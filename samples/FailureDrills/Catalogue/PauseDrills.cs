using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Pauses, whoever began them, and how they end.</summary>
internal static class PauseDrills
{
    private const string Began = "requests when the pause had returned";

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
            Bites = ["pause-on-410"],
        },
        new("ten-thousand-behind-a-pause", "A receiver that was down for 10,000 events fetches them by itself and has delivery resumed")
        {
            Tags = ["pauses", "pause", "gap"],
            Story = """
                The customer's application is down. Three deliveries fail, the endpoint is paused, and 10,000 events are published meanwhile. When the
                application is started again, its receiver finds the pause, reads all it missed from the feed in pages, and asks for delivery again by
                itself. Nobody is called; not one of the 10,000 is sent by itself, and the next events are delivered as ever.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(3), Until(See.Processed(3)), Until(See.Delivered(3)), Do("the customer's application goes down", stage => stage.Receiver!.StopAsync()), Publish(1),
                Until(See.Paused(PauseReason.Failing)), Publish(10_000), Until(Head(10_004)),
                Do("the customer's application is back", stage => stage.Receiver!.StartAsync(stage.Cancel)), Until(See.Active), Publish(2), Until(Stored(10_006)),
            ],
            Expect =
            [
                See.Arrived(1, 2, 3, 4, 4, 4, 10_005, 10_006), Stored(10_006), ProcessedInOrder, See.Settled(4, "taken_from_feed"), See.Settled(10_004, "taken_from_feed"),
                See.Settled(10_006, "delivered"), See.Changed("endpoint.resumed", "receiver"),
            ],
            Budget = TimeSpan.FromSeconds(90),
            Bites = ["pause-on-failures", "self-resume"],
        },
        new("resumed-too-early", "After a receiver's resume one lone delivery is tried, and its failure pauses again at once")
        {
            Tags = ["pauses", "pause"],
            Story = """
                What stands in front of the customer's receiver fails, and the endpoint is paused. The receiver itself is well, reads the feed, and asks for
                delivery again, although nothing is mended. So the first delivery after that is a lone one: its failure pauses again, and does not take
                three. When the receiver asks once more, it is told to wait; and it misses nothing, for it has the feed.
                """,
            Stub = Script.Of(Answer.FromReceiver.Times(2), Answer.Of(502, "no upstream")),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(2), Until(See.Processed(2)), Until(See.Delivered(2)), Publish(5), Until(See.Paused(PauseReason.Failing)), LookAtFeed(), Until(See.Active), Publish(1),
                Until(See.Paused(PauseReason.Failing)), LookAtFeed(), Until(See.Processed(8)), LookAtFeed(), Stay(0.7), AskToResume(8, "429 too_soon"),
            ],
            Expect =
            [
                See.Arrived(1, 2, 3, 3, 3, 8), See.Processed(8), See.Settled(7, "taken_from_feed"), See.Paused(PauseReason.Failing, "502"), See.Held(1),
                See.That("the receiver's wish was granted once", Look.Platform, e => Resumed(e) == 1, e => $"{Resumed(e)} times"),
            ],
            Bites = ["lone-probe", "resume-backoff"],
        },
        new("operators-pause", "What an operator paused no receiver resumes")
        {
            Tags = ["pauses"],
            Story = """
                An operator pauses an endpoint, because the customer asked for it. The receiver reads what it misses from the feed, and leaves the pause
                alone; somebody who has the secret and asks for delivery all the same is refused. When the operator resumes, what was held is sent, and the
                receiver, which has it already, takes it as a duplicate.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(2), Until(See.Processed(2)), Until(See.Delivered(2)), Pause(), Publish(3), Until(Head(5)), LookAtFeed(), Until(See.Processed(5)), Stay(0.5),
                AskToResume(5, "409 paused_by_operator"), Until(See.Paused(PauseReason.Manual)), Until(See.Requests(2)), Until(See.Held(3)), Resume(), Until(See.Delivered(5)),
            ],
            Expect = [See.Arrived(1, 2, 3, 4, 5), See.Processed(5), See.Active, See.That("no receiver resumed", Look.Platform, e => Resumed(e) == 0, e => $"{Resumed(e)} times")],
            Bites = ["operators-pause"],
        },
        new("paused-in-full-flow", "When a pause has returned, no new send begins")
        {
            Tags = ["pauses"],
            Story = """
                An operator pauses an endpoint while hundreds of events flow to it. As soon as the call has returned, the customer can rely on it: what was
                under way may still arrive, and nothing else does. After the resume the rest follows, in order and none of it lost.
                """,
            Stub = Script.Of(Answer.Ok.After(0.01)),
            Steps =
            [
                Publish(150), Until(See.AtLeastRequests(20)), Do("the operator pauses the endpoint, and it is counted how many requests had come", PauseAndCountAsync), Stay(0.5),
                Until(See.That("at most the one under way came after the pause", Look.Stub,
                    e => e.One.Requests.Count <= Counted(e) + 1, e => $"{e.One.Requests.Count - Counted(e)} came")),
                Resume(), Until(See.Delivered(150)),
            ],
            Expect = [See.Delivered(150), See.Active, See.Changed("endpoint.paused", "operator")],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["pause-stops-sending"],
        },
        new("deleted-while-paused", "Deleting a paused endpoint ends delivery, resume and feed for ever")
        {
            Tags = ["pauses"],
            Story = """
                A customer who has gone for good is paused, and events are held for him. The operator deletes the endpoint. Nothing of what was held is sent
                any more, whatever the stub would answer now; who asks for delivery or resumes is told that the endpoint is no more.
                """,
            Stub = Script.Of(Answer.Of(410)),
            Steps =
            [
                Publish(2), Until(See.Paused(PauseReason.Gone)), Publish(3), Until(Head(5)), Answering(Script.Of(Answer.Ok)), Delete(), AskToResume(0, "410 endpoint_deleted"),
                Do("the operator resumes it all the same, and is told that it is not there", ResumeDeletedAsync), Stay(0.5),
            ],
            Expect =
            [
                See.Requests(1), See.Changed("endpoint.deleted", "operator"),
                See.That("the endpoint is deleted with all 5 events held", Look.Platform,
                    e => e.One.Stream is null or { Status: EndpointStatus.Deleted, Head: 5, Cursor: 0 } && e.One.Settled.Count == 0, e => See.Standing(e.One)),
            ],
            Bites = ["deleted-has-no-feed"],
        },
    ];

    private static Expectation Head(long head) => See.That($"{head:N0} events are numbered", Look.Platform, e => e.One.Stream?.Head >= head, e => See.Standing(e.One));

    private static Expectation Stored(long count) => See.That($"the receiver holds events 1 to {count:N0}, none missing", Look.Receiver,
        e => e.Inbox?.Streams is [{ } stream] && stream.Contiguous == count, e => $"it holds 1 to {e.Inbox?.Streams.SingleOrDefault()?.Contiguous}");

    // Ten thousand commits of the customer's own database may take longer than a drill should.
    private static Expectation ProcessedInOrder => See.That("what the receiver has processed by now it has once and in order", Look.Receiver,
        e => e.Effects.Count >= 10 && e.Effects.Select((effect, i) => effect.Seq == i + 1).All(isNext => isNext), e => See.List([.. e.Effects.Select(effect => effect.Seq)]));

    private static Step LookAtFeed() => Do("the receiver looks at the feed", stage => stage.Receiver!.Status.ProbeAsync(CustomerReceiver.Source, stage.Cancel));

    private static int Resumed(Evidence evidence) => evidence.One.Changes.Count(change => change is { Type: "endpoint.resumed", Actor: "receiver" });

    private static Step AskToResume(long after, string answer) => Do($"in the receiver's name delivery after {after} is asked for, and refused with {answer}", async stage =>
    {
        if (await ResumeRequest.SendAsync(stage, after) is var seen && seen != answer) throw new DrillFailedException($"the request to resume is refused with {answer}", seen);
    });

    private static async Task PauseAndCountAsync(Stage stage)
    {
        await stage.Platform.Endpoints.PauseAsync(stage.Target.Id, stage.Cancel);
        stage.Notes[Began] = (await stage.Target.Stub.JournalAsync(stage.Cancel)).Count;
    }

    private static int Counted(Evidence evidence) => (int)evidence.Stage.Notes[Began];

    private static async Task ResumeDeletedAsync(Stage stage)
    {
        try
        {
            await stage.Platform.Endpoints.ResumeAsync(stage.Target.Id, cancellationToken: stage.Cancel);
        }
        catch (WebhookNotFoundException)
        {
            return;
        }

        throw new DrillFailedException("a deleted endpoint cannot be resumed", "it was resumed");
    }
}
