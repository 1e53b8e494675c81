using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Signing;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Secrets that change, leak, or are wrong on one side.</summary>
internal static class SecretDrills
{
    private const string Next = "next secret";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("rotate-with-overlap", "During the overlap each request is signed with the old secret and the new one")
        {
            Tags = ["secrets"],
            Story = """
                The platform gives an endpoint a new secret. Until the customer has configured it, requests must still verify with the old one; so for
                the overlap they bear both signatures, the newest first.
                """,
            Steps = [Publish(1), Until(See.Delivered(1)), Rotate(Hour), Publish(1), Until(See.Delivered(2))],
            Expect = [VerifiesWithEach(2), See.Changed("endpoint.secret_rotated", "operator")],
            Bites = ["overlap"],
        },
        new("receiver-switches-late", "A receiver that takes up the new secret late, within the overlap, notices nothing")
        {
            Tags = ["secrets", "rotation"],
            Story = """
                The secret is rotated with an overlap. The customer is on holiday and goes on with the old secret; later, still within the overlap, the new one
                is configured in its place while the receiver runs. No request is refused at any time, and nothing has to be sent twice.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(2), Until(See.Processed(2)), Rotate(Hour), Publish(2), Until(See.Processed(4)),
                Do("the customer configures the new secret in place of the old one", Configure(stage => [stage.Target.Secrets[0]])),
                Publish(2), Until(See.Processed(6)), Until(See.Delivered(6)),
            ],
            Expect = [See.Attempts(), See.Requests(6), See.NeverPaused],
            Bites = ["overlap"],
        },
        new("receiver-switches-early", "A receiver that knows the next secret before the platform uses it, beside the present one, notices nothing")
        {
            Tags = ["secrets", "rotation"],
            Story = """
                Platform and customer have agreed on the next secret. The customer configures it beside the present one, days before the platform begins to use
                it, which it does without any overlap. Requests are accepted with whichever of the two signed them, before and after.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(2), Until(See.Processed(2)),
                Do("the customer configures the next secret beside the present one", Configure(stage => [Agree(stage), stage.Target.Secrets[0]])),
                Publish(2), Until(See.Processed(4)), Do("the platform rotates to that secret, without an overlap", stage => RotateToNextAsync(stage, TimeSpan.Zero)),
                Publish(2), Until(See.Processed(6)), Until(See.Delivered(6)),
            ],
            Expect = [See.Attempts(), See.Requests(6), See.NeverPaused],
            Bites = ["any-live-secret"],
        },
        new("receiver-switches-too-early", "A receiver that gives up the old secret before the platform does is refused nothing for good: it catches up by itself")
        {
            Tags = ["secrets", "rotation"],
            Story = """
                The customer configures the next secret in place of the present one, before the platform uses it. Every request is answered 401, and the
                endpoint is paused as failing. When the platform rotates, the receiver's own requests are accepted again: it reads what it missed from the feed
                and resumes delivery by itself.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(1), Until(See.Processed(1)),
                Do("the customer configures the next secret in place of the present one", Configure(stage => [Agree(stage)])),
                Publish(3), Until(See.Paused(PauseReason.Failing, "401")), Do("the platform rotates to that secret", stage => RotateToNextAsync(stage, Hour)),
                Until(See.Processed(4)), Until(See.Active), Publish(1), Until(See.Processed(5)),
            ],
            Expect = [See.Changed("endpoint.resumed", "receiver"), See.Processed(5)],
            Bites = ["self-resume"],
        },
        new("receiver-never-switches", "When the overlap has ended, the old secret opens nothing; once the new one is configured, nothing was lost")
        {
            Tags = ["secrets", "rotation"],
            Story = """
                The overlap ends, and the customer still has only the old secret. Requests are not signed with it any more: the receiver answers 401, and the
                endpoint is paused as failing. Neither does the feed open to it. When the new secret is configured at last, the receiver catches up from the
                feed and resumes delivery by itself.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(1), Until(See.Processed(1)), Rotate(TimeSpan.FromSeconds(1)),
                Do("wait until the overlap is over", stage => Task.Delay(TimeSpan.FromSeconds(1.4), stage.Cancel)),
                Publish(2), Until(See.Paused(PauseReason.Failing, "401")), Publish(1), Probe, Until(FeedRefused), Until(See.Processed(1)),
                Do("the customer configures the new secret", Configure(stage => [stage.Target.Secrets[0]])),
                Until(See.Processed(4)), Until(See.Active), Publish(1), Until(See.Processed(5)),
            ],
            Expect =
            [
                See.Changed("endpoint.resumed", "receiver"),
                See.That("no request after the overlap verifies with the old secret", Look.Stub,
                    e => e.One.Requests.Skip(1).All(one => !one.Request.Verify(e.One.Target.Secrets[1]).IsValid),
                    e => $"{e.One.Requests.Skip(1).Count(one => one.Request.Verify(e.One.Target.Secrets[1]).IsValid)} of them do"),
            ],
            Bites = ["overlap-end", "feed-live-secrets"],
        },
        new("secret-revoked", "A revoked secret ends at once, for requests and for the feed")
        {
            Tags = ["secrets"],
            Story = """
                The old secret has leaked in the middle of a rotation. The operator revokes it: from then on nothing is signed with it, and whoever has it reads
                nothing. The receiver, which had not switched yet, answers 401 and is paused; with the new secret it catches up by itself.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(1), Until(See.Processed(1)), Rotate(Hour), Publish(1), Until(See.Processed(2)), RevokeOld(),
                Publish(2), Until(See.Paused(PauseReason.Failing, "401")), Probe, Until(FeedRefused), Until(See.Processed(2)),
                Do("the customer configures the new secret", Configure(stage => [stage.Target.Secrets[0]])), Until(See.Processed(4)), Until(See.Active),
            ],
            Expect = [VerifiesWithEach(2), VerifiesOnlyWithNewest(3), See.Changed("endpoint.secret_revoked", "operator")],
            Bites = ["revoke", "feed-live-secrets"],
        },
        new("wrong-secret", "With a wrong secret the receiver refuses everything; put right, it catches up, and nothing is lost")
        {
            Tags = ["secrets"],
            Story = """
                The customer deploys with the secret of another environment. Each request is answered 401, the third failed delivery pauses the endpoint, and
                events go on being published. When the secret is put right, without a restart, the receiver reads from the feed what it missed, resumes delivery
                by itself, and gets the rest the usual way.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Until(See.Looked), Do("the customer configures a wrong secret", Configure(_ => [WebhookSecret.Generate()])), Publish(3), Until(See.Paused(PauseReason.Failing, "401")), Publish(4),
                Probe, Until(FeedRefused), Until(See.Processed(0)),
                Do("the customer puts it right", Configure(stage => [stage.Target.Secrets[0]])), Until(See.Processed(7)), Until(See.Active), Publish(1), Until(See.Processed(8)),
            ],
            Expect = [See.Processed(8), See.Changed("endpoint.resumed", "receiver")],
            Bites = ["signature", "self-resume"],
        },
    ];

    private static Step Probe => Do("the receiver looks at the feed", stage => stage.Receiver!.Status.ProbeAsync(CustomerReceiver.Source, stage.Cancel));

    private static Expectation FeedRefused => See.That("the feed refuses the receiver", Look.Receiver, e => e.Inbox?.FeedError is not null, _ => "the feed lets it read");

    private static Expectation VerifiesWithEach(int request) => See.That(
        $"request {request} verifies with either secret alone", Look.Stub,
        e => e.One.Target.Secrets.All(secret => e.One.Requests[request - 1].Request.Verify(secret).IsValid),
        e => string.Join(", ", e.One.Target.Secrets.Select(secret => e.One.Requests[request - 1].Request.Verify(secret).Status)));

    private static Expectation VerifiesOnlyWithNewest(int request) => See.That(
        $"request {request} verifies with the newest secret alone", Look.Stub,
        e => e.One.Requests[request - 1].Request.Verify(e.One.Target.Secrets[0]).IsValid && !e.One.Requests[request - 1].Request.Verify(e.One.Target.Secrets[1]).IsValid,
        e => string.Join(", ", e.One.Target.Secrets.Select(secret => e.One.Requests[request - 1].Request.Verify(secret).Status)));

    private static Func<Stage, Task> Configure(Func<Stage, WebhookSecret[]> secrets) => stage =>
    {
        stage.Receiver!.Configure([.. secrets(stage).Select(secret => secret.Reveal())]);
        return Task.CompletedTask;
    };

    private static WebhookSecret Agree(Stage stage)
    {
        var secret = WebhookSecret.Generate();
        stage.Notes[Next] = secret;
        return secret;
    }

    private static async Task RotateToNextAsync(Stage stage, TimeSpan overlap) => stage.Target.Secrets.Insert(
        0, await stage.Platform.Endpoints.RotateSecretAsync(stage.Target.Id, overlap, (WebhookSecret)stage.Notes[Next], stage.Cancel));
}
