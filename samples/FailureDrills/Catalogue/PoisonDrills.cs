using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Receiver;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>An event that cannot be taken, or cannot be processed, and would hold up all that follow.</summary>
internal static class PoisonDrills
{
    private const string Cured = "the bug is fixed";

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("poisoned-skip", "The operator skips the one event that an endpoint does not take, and the others go on")
        {
            Tags = ["order", "poison"],
            Story = """
                Event 2 makes the customer's application answer 400, each time. The order is strict, so it holds up those behind it, and after three failures
                the endpoint is paused. The operator skips it: it is settled as skipped, stays in the feed, and after the resume the others are delivered.
                """,
            Stub = Script.Of(Answer.Ok, Answer.Of(400, "cannot read this order").Times(3), Answer.Ok),
            Steps = [Publish(4), Until(See.Paused(PauseReason.Failing, "cannot read this order")), Skip(2), Resume(), Until(See.Settled(4, "delivered"))],
            Expect = [See.Arrived(1, 2, 2, 2, 3, 4), See.Settled(2, "skipped"), See.Settled(3, "delivered"), See.Active],
            Bites = ["pause-on-failures"],
        },
        new("poisoned-block", "An event whose handler fails for good holds up the stream, and its receiver says which; skipped there, it is on record")
        {
            Tags = ["order", "poison"],
            Story = """
                The receiver has taken event 2, but its handler throws whenever it sees it. After its attempts the stream stops before it, visibly, and intake
                goes on. Somebody skips it at the receiver: it is recorded as passed, and those behind it are processed.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan { Options = options => options.HandlerMaxAttempts = 2, BeforeEffect = call => FailAsync(call.Event.Seq == 2) },
            Steps =
            [
                Publish(4), Until(See.Delivered(4)), Until(HeldUp),
                Do("the customer skips event 2 at the receiver", async stage =>
                {
                    var done = await stage.Receiver!.Administration.SkipAsync(CustomerReceiver.Source, stage.Target.Published[1].Value, stage.Cancel);
                    if (done.Outcome != AdministrationOutcome.Done) throw new DrillFailedException("it can be skipped", $"{done.Outcome}: {done.Detail}");
                }),
                Until(See.ProcessedJust(1, 3, 4)),
            ],
            Expect =
            [
                See.ProcessedJust(1, 3, 4), See.NeverPaused,
                See.That("event 2 is recorded as skipped", Look.Receiver,
                    e => e.Stream?.Passed.Any(one => one is { From: 2, To: 2, Reason: "skipped" }) == true,
                    e => $"recorded is {string.Join(", ", e.Stream?.Passed ?? [])}"),
            ],
            Bites = ["handler-limit"],
        },
        new("poisoned-park", "Where the integrator chose so, an event whose handler fails for good is set aside, and can be processed later")
        {
            Tags = ["order", "poison"],
            Story = """
                The same event at an integrator who chose to park such events (OnHandlerExhausted: Park). Event 2 is set aside with its body and the error, and
                the others go on. When the bug is fixed, it is processed from where it was parked: nothing is lost, only late.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan
            {
                Options = options => (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (2, ExhaustedPolicy.Park),
                BeforeEffect = call => FailAsync(call.Event.Seq == 2 && !call.Stage.Notes.ContainsKey(Cured)),
            },
            Steps =
            [
                Publish(4), Until(See.ProcessedJust(1, 3, 4)),
                Do("the customer fixes the bug and retries what is parked", async stage =>
                {
                    stage.Notes[Cured] = true;
                    var parked = await stage.Receiver!.Administration.ListParkedAsync(CustomerReceiver.Source, cancellationToken: stage.Cancel);
                    if (parked.Events is not [{ Seq: 2 } one])
                        throw new DrillFailedException("event 2 is parked", $"parked is {string.Join(", ", parked.Events.Select(held => held.Seq))}");
                    await stage.Receiver.Administration.RetryAsync(CustomerReceiver.Source, one.Id, stage.Cancel);
                }),
                Until(See.ProcessedJust(1, 3, 4, 2)),
            ],
            Expect = [See.ProcessedJust(1, 3, 4, 2), See.NeverPaused, See.Delivered(4)],
            Bites = ["handler-park"],
        },
    ];

    private static Expectation HeldUp => See.That(
        "the receiver is blocked at event 2", Look.Receiver, e => e.Stream is { IsBlocked: true, Watermark: 1, HighestStored: 4 },
        e => $"it stands at {e.Stream?.Watermark}, waiting for {e.Stream?.Hold?.ToString() ?? "nothing"}");

    private static Task FailAsync(bool fails) => fails ? Task.FromException(new InvalidOperationException("this order cannot be processed")) : Task.CompletedTask;
}
