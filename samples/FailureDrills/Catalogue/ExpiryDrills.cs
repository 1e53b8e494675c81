using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Retention;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Receiver;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Events that are wanted when the platform does not have them any more.</summary>
internal static class ExpiryDrills
{
    private static readonly TimeSpan Period = TimeSpan.FromDays(3), Keep = TimeSpan.FromDays(30);

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("range-expired", "A gap that the platform cannot fill any more blocks the stream, and the receiver says which numbers are missing")
        {
            Tags = ["order", "gap", "expiry"],
            Story = """
                While the receiver is down, something in front of it accepts three events and loses them. Nobody looks after it for 33 days, until the platform
                does not keep them any longer. When the receiver is back, it finds the gap, and that it cannot be filled. It goes no further, and says so with
                the numbers, rather than to step over them in silence.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps = [.. Lose, Publish(2), Until(Stored(7)), Until(Blocked), Stay(0.3)],
            Expect = [Blocked, See.Processed(2), See.NeverPaused],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["unrecoverable-blocks"],
        },
        new("range-expired-recorded", "Where the integrator chose so, a gap that cannot be filled is recorded as lost, and the stream goes on")
        {
            Tags = ["order", "gap", "expiry"],
            Story = """
                The same gap; but the integrator has decided that the stream goes on without what cannot be had (OnUnrecoverableGap: SkipAndRecord). The numbers
                are recorded, so that somebody can ask the platform about them, and what follows is processed.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan { Options = options => options.OnUnrecoverableGap = UnrecoverableGapPolicy.SkipAndRecord },
            Steps = [.. Lose, Publish(2), Until(See.ProcessedJust(1, 2, 6, 7))],
            Expect =
            [
                See.ProcessedJust(1, 2, 6, 7),
                See.That("numbers 3 to 5 are recorded as lost", Look.Receiver, e => Passed(e).Any(one => one is { From: 3, To: 5, Reason: "lost" }),
                    e => $"recorded is {string.Join(", ", Passed(e))}"),
            ],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["record-lost"],
        },
        new("held-too-long", "What a pause has held for longer than the platform keeps events ends as expired, and is told with its numbers")
        {
            Tags = ["order", "expiry"],
            Story = """
                An endpoint stays paused, and nobody resumes it for 33 days. Events are kept for 30: the held ones end as expired. That is final, counted and
                queryable, an operational event names the numbers, and what is published afterwards is delivered once the endpoint is resumed.
                """,
            Steps = [Publish(1), Until(See.Delivered(1)), Pause(), Publish(3), Until(See.Held(3)), MonthPasses(4), Publish(1), Resume(), Until(See.Settled(5, "delivered"))],
            Expect =
            [
                See.Arrived(1, 5), See.Settled(2, "expired"), See.Settled(3, "expired"), See.Settled(4, "expired"), See.Changed("stream.range_expired", "dispatcher"),
            ],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["tell-expired"],
        },
    ];

    private static Expectation Blocked => See.That(
        "the receiver reports that numbers 3 to 5 cannot be had", Look.Receiver, e => e.Stream is { Unrecoverable: { From: 3, To: 5 } },
        e => $"it reports {e.Stream?.Unrecoverable?.ToString() ?? "nothing"}, watermark {e.Stream?.Watermark}");

    private static Step[] Lose =>
    [
        Publish(2), Until(See.Processed(2)), Until(See.Delivered(2)), Do("the receiver goes down", stage => stage.Receiver!.StopAsync()), Answering(Script.Of(Answer.Lost)),
        Publish(3), Until(See.Delivered(5)), MonthPasses(5), Answering(Script.Of(Answer.FromReceiver)),
        Do("the receiver comes back", stage => stage.Receiver!.StartAsync(stage.Cancel)),
    ];

    private static Expectation Stored(long seq) => See.That(
        $"the receiver has stored event {seq}", Look.Receiver, e => e.Stream?.HighestStored >= seq, e => $"the highest stored is {e.Stream?.HighestStored}");

    private static IReadOnlyList<PassedRange> Passed(Evidence evidence) => evidence.Stream?.Passed ?? [];

    /// <summary>Has the platform's maintenance find that so much time has passed; everything else goes by the real clocks.</summary>
    private static Step MonthPasses(long floorAbove) => Do("33 days pass for the platform's retention", async stage =>
    {
        var (maintenance, now) = (stage.Platform.Services.GetRequiredService<Maintenance>(), DateTimeOffset.UtcNow);
        foreach (var after in new[] { TimeSpan.Zero, Period, Period + Keep + TimeSpan.FromHours(1) })
            while (await maintenance.RunOnceAsync(now + after, stage.Cancel) is { Elsewhere: true }) await Task.Delay(TimeSpan.FromMilliseconds(20), stage.Cancel);
        // It waits for whoever may still write into the old period: other drills' transactions, too, for they are the same server's.
        while ((await stage.Platform.Endpoints.GetStreamAsync(stage.Target.Id, stage.Cancel)).Floor <= floorAbove)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), stage.Cancel);
            await maintenance.RunOnceAsync(now + Period + Keep + TimeSpan.FromHours(1), stage.Cancel);
        }
    });
}
