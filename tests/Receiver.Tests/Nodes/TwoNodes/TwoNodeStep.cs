using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Receiver.Tests;

/// <summary>What may happen to two nodes that share an inbox, and around them.</summary>
internal enum Act
{
    /// <summary>The sender numbers events; they are in its feed, and nothing is delivered yet.</summary>
    Publish,

    /// <summary>An event is delivered that was not yet: the next, or one after it.</summary>
    Deliver,

    /// <summary>An event is delivered once more.</summary>
    DeliverAgain,

    /// <summary>A node takes the lease if it is free.</summary>
    Lead,

    /// <summary>A node renews what it has.</summary>
    Renew,

    /// <summary>A node that leads, or thinks so, processes what is ready.</summary>
    Pump,

    /// <summary>A node that leads, or thinks so, is suspended in the middle of a handler, after the effect.</summary>
    Hang,

    /// <summary>A suspended node goes on.</summary>
    Wake,

    /// <summary>The next handler called on a node fails after its effect.</summary>
    Fail,

    /// <summary>A node that leads, or thinks so, looks at the feed.</summary>
    Backfill,

    /// <summary>A node is killed, and another comes in its place.</summary>
    Crash,

    /// <summary>A node gives its lease back.</summary>
    Stop,

    /// <summary>The leases run out.</summary>
    Expire,

    /// <summary>Time goes by: retries are due, and a gap is old enough.</summary>
    Pass,

    /// <summary>Somebody has the next event passed over, at a node that need not lead.</summary>
    Skip,
}

/// <summary>A step of a course.</summary>
/// <param name="What">What happens.</param>
/// <param name="Node">At which node.</param>
/// <param name="Which">Which event, or how many.</param>
/// <param name="Beside">What the other node does at the same time; null for nothing.</param>
internal sealed record TwoNodeStep(Act What, int Node, int Which, Act? Beside)
{
    // What may be said to happen at the same time: each is a request or a turn of a loop.
    private static readonly Act[] Parallel = [Act.Deliver, Act.DeliverAgain, Act.Lead, Act.Renew, Act.Pump, Act.Backfill];

    private static readonly TwoNodeStep[] UnderWay =
    [
        new(Act.Publish, 0, 3, null), new(Act.Deliver, 0, 0, Act.Deliver), new(Act.Lead, 0, 0, Act.Lead), new(Act.Backfill, 0, 0, Act.Backfill),
    ];

    public static Arbitrary<TwoNodeStep[]> Courses
    {
        get
        {
            var what = Gen.Frequency(
                (6, Gen.Constant(Act.Publish)), (10, Gen.Constant(Act.Deliver)), (3, Gen.Constant(Act.DeliverAgain)), (5, Gen.Constant(Act.Lead)),
                (2, Gen.Constant(Act.Renew)), (8, Gen.Constant(Act.Pump)), (4, Gen.Constant(Act.Hang)), (4, Gen.Constant(Act.Wake)),
                (1, Gen.Constant(Act.Fail)), (3, Gen.Constant(Act.Backfill)), (2, Gen.Constant(Act.Crash)), (1, Gen.Constant(Act.Stop)),
                (3, Gen.Constant(Act.Expire)), (2, Gen.Constant(Act.Pass)), (1, Gen.Constant(Act.Skip)));
            var step = from act in what
                       from node in Gen.Choose(0, 1)
                       from which in Gen.Choose(0, 3)
                       from beside in Gen.Frequency((3, Gen.Constant<Act?>(null)), (1, Gen.Elements(Parallel).Select(one => (Act?)one)))
                       select new TwoNodeStep(act, node, which, Parallel.Contains(act) ? beside : null);
            // Most courses begin with something under way, for most of what can go wrong needs that first.
            var begins = Gen.Frequency((1, Gen.Constant(Array.Empty<TwoNodeStep>())), (3, Gen.Constant(UnderWay)));
            return (from begin in begins from rest in Gen.ArrayOf(step) select begin.Concat(rest).ToArray()).ToArbitrary();
        }
    }

    public override string ToString() => $"{What}({Node},{Which}){(Beside is { } also ? $" beside {also}" : "")}";
}
