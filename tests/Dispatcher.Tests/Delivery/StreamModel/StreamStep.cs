using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

internal enum What
{
    // By a node, for an endpoint that it holds or once held.
    Claim,
    Send,
    Succeed,
    Refuse,
    Gone,
    SucceedBeside,
    RefuseBeside,
    Settle,
    SettleInVain,
    Fail,
    Release,
    ReleaseIdle,

    // By anybody else.
    Pause,
    Resume,
    ResumeAfter,
    ResumeForReceiver,
    Serve,
    Replay,
    Skip,
    RaiseFloor,
    RaiseEpoch,
    EndNode,
    Grow,
    PassTime,
}

/// <summary>One operation.</summary>
/// <param name="What">Which.</param>
/// <param name="Who">Which of the nodes or senders, modulo their number.</param>
/// <param name="Which">Which number, modulo what there is.</param>
/// <param name="WithNext">Whether it and the next one are under way at the same time.</param>
internal sealed record StreamStep(What What, int Who, int Which, bool WithNext)
{
    public static readonly Gen<StreamStep> Any =
        from what in Gen.Frequency(
            (9, Gen.Constant(What.Claim)), (9, Gen.Constant(What.Send)), (10, Gen.Constant(What.Succeed)), (5, Gen.Constant(What.Refuse)), (1, Gen.Constant(What.Gone)),
            (4, Gen.Constant(What.SucceedBeside)), (3, Gen.Constant(What.RefuseBeside)), (10, Gen.Constant(What.Settle)), (5, Gen.Constant(What.SettleInVain)), (4, Gen.Constant(What.Fail)),
            (3, Gen.Constant(What.Release)), (4, Gen.Constant(What.ReleaseIdle)), (4, Gen.Constant(What.Pause)), (4, Gen.Constant(What.Resume)),
            (5, Gen.Constant(What.ResumeAfter)), (2, Gen.Constant(What.ResumeForReceiver)), (2, Gen.Constant(What.Serve)), (4, Gen.Constant(What.Replay)),
            (4, Gen.Constant(What.Skip)), (3, Gen.Constant(What.RaiseFloor)), (1, Gen.Constant(What.RaiseEpoch)), (4, Gen.Constant(What.EndNode)),
            (2, Gen.Constant(What.Grow)), (3, Gen.Constant(What.PassTime)))
        from who in Gen.Frequency((4, Gen.Constant(0)), (1, Gen.Choose(1, 3)))
        from which in Gen.Choose(0, 30)
        from withNext in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
        select new StreamStep(what, who, which, withNext);

    // The second of them is accepted first: where the stream is relaxed, ahead of the cursor.
    private static readonly StreamStep[] Begun =
        [new(What.Claim, 0, 0, false), new(What.Send, 0, 3, false), new(What.Succeed, 0, 1, false), new(What.Settle, 0, 0, false)];

    /// <summary>Courses of operations, most of them with something under way from the beginning; a shorter one is tried when one fails.</summary>
    public static readonly Arbitrary<StreamStep[]> Courses = Arb.From(
        from begun in Gen.Frequency((3, Gen.Constant(Begun)), (1, Gen.Constant(Array.Empty<StreamStep>())))
        from length in Gen.Choose(5, 18)
        from steps in Any.ArrayOf(length)
        select (StreamStep[])[.. begun, .. steps], Shorter);

    public override string ToString() => $"{What}({Who}, {Which}){(WithNext ? " &" : "")}";

    private static IEnumerable<StreamStep[]> Shorter(StreamStep[] steps)
    {
        if (steps.Length > 3)
        {
            yield return steps[..(steps.Length / 2)];
            yield return steps[(steps.Length / 2)..];
        }

        for (var i = 0; i < steps.Length; i++) yield return [.. steps[..i], .. steps[(i + 1)..]];
        for (var i = 0; i < steps.Length; i++)
            if (steps[i].WithNext) yield return [.. steps[..i], steps[i] with { WithNext = false }, .. steps[(i + 1)..]];
    }
}
