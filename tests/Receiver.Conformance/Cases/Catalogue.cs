using Webhooks.Conformance.Cases.Crashing;
using Webhooks.Conformance.Cases.Delivering;
using Webhooks.Conformance.Cases.Healing;
using Webhooks.Conformance.Cases.Refusing;
using Webhooks.Conformance.Cases.Rotating;

namespace Webhooks.Conformance.Cases;

/// <summary>All cases, in the order in which they run: the simplest first, and last those that kill.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new SingleValid(), new Duplicate(), new LateDuplicate(), new ConcurrentDuplicate(), new AnswerLost(), new ConnectionLost(),
        new OrderReversal(), new ShuffledBurst(), new RawBytes(), new JunkBesideValid(), new Batch(), new VoidEvent(),
        new MissingHeaders(), new MalformedSignature(), new MalformedTimestamp(), new DoubledHeaders(), new WrongKey(), new StaleTimestamp(),
        new FutureTimestamp(), new AlteredAfterSigning(), new AnotherKind(), new MediaType(), new MalformedBody(), new OtherEndpoint(), new OtherMethods(),
        new Compressed(), new TooLarge(), new EndlessChunks(), new SlowBody(), new Redaction(),
        new Overlap(), new Expired(),
        new GapFilled(), new GapHoldsBack(), new FeedOverlapsPush(),
        new FeedRefuses(404, null, "A feed that is not there for a while is asked again"),
        new FeedRefuses(429, 1, "A feed that asks for patience gets it"),
        new FeedRefuses(503, 1, "A feed that is down for a while stops neither intake nor healing"),
        new ForgedFeed(), new FeedPace(), new TwoNodes(),
        new RestartBetween(), new RestartInGap(), new AcknowledgedSurvives(), new CrashThenRetry(),
    ];

    public static ConformanceCase? Find(string name) => All.FirstOrDefault(one => one.Name == name);
}
