using System.Globalization;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Endpoints that ask for patience.</summary>
internal static class RetryAfterDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("throttled", "429 is no failure: however often it comes, it does not pause")
        {
            Tags = ["answers", "throttling"],
            Story = """
                A customer's gateway limits how fast it is called and answers 429 five times in a row. Asking for patience is not failing: the
                dispatcher slows down, counts nothing, and delivers when it is let through.
                """,
            Stub = Script.Of(Answer.Of(429).Times(5), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 1, 1, 1, 1, 2), See.Attempts("throttled", "throttled", "throttled", "throttled", "throttled"), See.NeverPaused, See.Failures(0)],
            Bites = ["throttled-does-not-count"],
        },
        new("throttled-for-seconds", "429 with Retry-After in seconds is waited for")
        {
            Tags = ["answers", "throttling"],
            Story = """
                The customer's gateway says how long it wants to be left alone: two seconds. The schedule would have tried again after a twentieth of
                one; what was asked for is what counts.
                """,
            Stub = Script.Of(Answer.Of(429).With("Retry-After", "2"), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Waited(1, 1.9), See.Attempts("throttled"), See.NeverPaused],
            Bites = ["retry-after"],
        },
        new("throttled-until-a-date", "429 with Retry-After as a date is waited for")
        {
            Tags = ["answers", "throttling"],
            Story = """
                The other form of Retry-After is a date. The dispatcher reads it with its own clock and waits until then.
                """,
            Steps =
            [
                Do("the stub answers 429 with a date three seconds ahead, then 204", stage => stage.Target.Stub.PlayAsync(
                    Script.Of(Answer.Of(429).With("Retry-After", DateTimeOffset.UtcNow.AddSeconds(3).ToString("R", CultureInfo.InvariantCulture)), Answer.Ok), stage.Cancel)),
                Publish(1), Until(See.Delivered(1)),
            ],
            // On a machine that is slow to send, the date is nearer by then; below the least wait it never comes.
            Expect = [See.Waited(1, 0.9), See.Attempts("throttled"), See.NeverPaused],
            Bites = ["retry-after"],
        },
        new("throttled-absurdly", "An absurd Retry-After is held to an hour")
        {
            Tags = ["answers", "throttling"],
            Story = """
                A customer's gateway has a bug and asks to be left alone for three thousand years. An hour is the longest that anybody's word is taken
                for: then the event is tried again. Meanwhile nothing is lost, and the endpoint is not paused.
                """,
            Stub = Script.Of(Answer.Of(429).With("Retry-After", "99999999999")),
            Steps = [Publish(2), Until(See.Due(3000, 3601))],
            Expect = [See.Requests(1), See.Attempts("throttled"), See.Due(3000, 3601), See.Held(2), See.Active],
            Bites = ["retry-after-limit"],
        },
        new("throttled-negatively", "A Retry-After of zero does not make a loop")
        {
            Tags = ["answers", "throttling"],
            Story = """
                The opposite bug: "come back in 0 seconds". Taken at its word the two would call each other as fast as the wires allow; so the least
                wait is a second.
                """,
            Stub = Script.Of(Answer.Of(429).With("Retry-After", "0").Times(2), Answer.Ok),
            Steps = [Publish(1), Until(See.Delivered(1))],
            Expect = [See.Waited(1, 0.95), See.Waited(2, 0.95), See.Requests(3)],
            Bites = ["retry-after-least"],
        },
        new("unavailable-for-seconds", "503 with Retry-After is a failure, and waited for")
        {
            Tags = ["answers", "throttling"],
            Story = """
                A customer deploys. The load balancer answers 503 and asks to come back in two seconds. That is a failed delivery, and it counts; but
                the next attempt is not made before the time that was asked for, so a deployment does not use up the three failures in a tenth of a
                second.
                """,
            Stub = Script.Of(Answer.Of(503, "deploying").With("Retry-After", "2"), Answer.Ok),
            Steps = [Publish(2), Until(See.AtLeastRequests(1)), Until(See.Failures(1)), Until(See.Delivered(2))],
            Expect = [See.Waited(1, 1.9), See.Attempts("unavailable"), See.NeverPaused, See.Failures(0)],
            Bites = ["retry-after"],
        },
    ];
}
