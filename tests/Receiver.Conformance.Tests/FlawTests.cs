using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Cases.Delivering;
using Webhooks.Conformance.Running;
using Webhooks.Conformance.Tests.Flawed;
using Xunit.Abstractions;

namespace Webhooks.Conformance.Tests;

/// <summary>Each case bites: every flawed receiver fails exactly the cases that are about its flaw.</summary>
public sealed class FlawTests(JudgedReceivers judged, ITestOutputHelper output) : IClassFixture<JudgedReceivers>
{
    public static TheoryData<string, string> Flaws { get; } = new()
    {
        { nameof(SoundReceiver), "" },
        {
            nameof(KeepsNoRecord),
            "duplicate late-duplicate concurrent-duplicate shuffled-burst batch backfill-overlaps-push "
            + "restart-between-attempts ~timeout-then-retry ~crash-then-retry ~feed-answers-404 ~feed-answers-429 "
            + "~feed-answers-503 ~feed-forged ~order-reversal ~gap-filled-from-feed"
        },
        {
            nameof(ChecksThenInserts),
            "concurrent-duplicate ~shuffled-burst ~backfill-overlaps-push ~timeout-then-retry ~crash-then-retry "
            + "~order-reversal ~gap-filled-from-feed"
        },
        {
            nameof(EffectBeforeDedupe),
            "duplicate late-duplicate concurrent-duplicate shuffled-burst batch backfill-overlaps-push "
            + "restart-between-attempts ~timeout-then-retry ~crash-then-retry ~acknowledged-survives-crash "
            + "~order-reversal ~gap-filled-from-feed"
        },
        { nameof(ShortMemory), "late-duplicate ~shuffled-burst ~backfill-overlaps-push ~crash-then-retry" },
        { nameof(AcknowledgesBeforeCommit), "acknowledged-survives-crash ~crash-then-retry" },
        { nameof(MarksBeforeEffect), "crash-then-retry acknowledged-survives-crash ~restart-between-attempts ~restart-in-gap" },
        { nameof(MarksAfterEffect), "crash-then-retry ~restart-between-attempts ~restart-in-gap" },
        { nameof(ForgetsOnRestart), "restart-between-attempts restart-in-gap acknowledged-survives-crash ~crash-then-retry" },
        {
            nameof(RecordsBeforeReading),
            "broken-connection-then-retry ~timeout-then-retry ~acknowledged-survives-crash ~crash-then-retry"
        },
        { nameof(TiedToTheConnection), "timeout-then-retry" },
        { nameof(AnswersOnly), "*" },
        { nameof(VerifiesAfterReserialising), "raw-bytes altered-after-signing" },
        {
            nameof(NeverVerifies),
            "malformed-signature malformed-timestamp wrong-key stale-timestamp future-timestamp "
            + "altered-after-signing another-kind-of-message rotation-expired ~rotation-overlap"
        },
        { nameof(AcceptsUnsigned), "missing-signature" },
        { nameof(AcceptsStale), "stale-timestamp" },
        { nameof(AcceptsTheFuture), "future-timestamp" },
        { nameof(SignsTheParsedTimestamp), "malformed-timestamp" },
        { nameof(FirstSignatureOnly), "junk-beside-valid rotation-overlap rotation-expired" },
        { nameof(LastHeaderCounts), "doubled-headers" },
        { nameof(TakesAnyKind), "another-kind-of-message" },
        { nameof(OneSecret), "rotation-overlap" },
        { nameof(KeepsExpiredSecrets), "rotation-expired" },
        { nameof(CrashesOnMalformed), "malformed-body" },
        { nameof(CrashesOnMalformedSignature), "malformed-signature" },
        { nameof(IgnoresTheVersion), "malformed-signature" },
        { nameof(EarlyReturnWithoutStatus), "media-type" },
        { nameof(ComparesMediaTypeAsText), "media-type" },
        { nameof(ReadsWithoutBound), "too-large too-large-chunked" },
        { nameof(TrustsContentLength), "too-large-chunked" },
        { nameof(WaitsForEver), "slow-body" },
        { nameof(UnpacksFirst), "compressed" },
        { nameof(AnswersGet), "other-methods" },
        { nameof(LogsSecrets), "redaction" },
        {
            nameof(AssumesOrder),
            "order-reversal shuffled-burst gap-filled-from-feed gap-holds-back backfill-overlaps-push "
            + "feed-answers-404 feed-answers-429 feed-answers-503 feed-forged feed-pace restart-in-gap "
            + "~acknowledged-survives-crash ~crash-then-retry"
        },
        {
            nameof(HandlesOnArrival),
            "order-reversal shuffled-burst gap-filled-from-feed gap-holds-back backfill-overlaps-push "
            + "feed-answers-404 feed-answers-429 feed-answers-503 feed-forged feed-pace restart-in-gap "
            + "~crash-then-retry"
        },
        {
            nameof(IgnoresGaps),
            "gap-holds-back feed-answers-429 feed-answers-503 ~order-reversal ~shuffled-burst ~gap-filled-from-feed ~feed-answers-404 ~feed-forged ~restart-in-gap "
            + "~backfill-overlaps-push ~feed-pace ~acknowledged-survives-crash ~crash-then-retry"
        },
        {
            nameof(NeverHeals),
            "gap-filled-from-feed backfill-overlaps-push feed-answers-404 feed-answers-429 feed-answers-503 "
            + "feed-forged feed-pace restart-in-gap"
        },
        {
            nameof(BackfillsBesideTheInbox),
            "gap-filled-from-feed feed-answers-404 feed-answers-429 feed-answers-503 feed-forged restart-in-gap "
            + "~backfill-overlaps-push ~feed-pace ~order-reversal ~shuffled-burst ~crash-then-retry"
        },
        { nameof(ForgetsTheGap), "restart-in-gap" },
        { nameof(GivesTheFeedUp), "feed-answers-404 feed-answers-429 feed-answers-503 feed-forged feed-pace restart-in-gap" },
        { nameof(IgnoresRetryAfter), "feed-answers-429 feed-answers-503" },
        { nameof(StopsWithTheFeed), "feed-answers-503 ~gap-holds-back ~feed-forged ~feed-pace ~restart-in-gap ~acknowledged-survives-crash" },
        { nameof(HurriesTheFeed), "feed-pace" },
        { nameof(BelievesTheFeed), "feed-forged" },
        { nameof(KnowsNoBatches), "batch" },
        { nameof(HandlesVoid), "void-event" },
        { nameof(TakesAnyEndpoint), "other-endpoint" },
    };

    [Theory]
    [MemberData(nameof(Flaws))]
    public async Task Receiver_WithOneFlaw_FailsTheCasesAboutIt(string receiver, string cases)
    {
        var (reasons, isExpected) = await JudgeAsync(judged.OutcomeAsync(receiver));
        if (!isExpected)
        {
            output.WriteLine($"Beside the others, {receiver} failed\n{reasons}");
            (reasons, isExpected) = await JudgeAsync(judged.AgainAsync(receiver));
        }

        Assert.True(isExpected, $"{receiver} failed\n{reasons}\nexpected: {cases}");

        async Task<(string Reasons, bool IsExpected)> JudgeAsync(Task<SuiteOutcome> run)
        {
            try
            {
                var failed = (await run).Results.Where(result => result.Verdict == Verdict.Failed).ToList();
                return (string.Join('\n', failed.Select(result => $"{result.Case.Name}: {result.Reason}")), AreExpected(failed));
            }
            catch (EnvironmentTroubleException trouble)
            {
                return (trouble.Message, false);
            }
        }

        bool AreExpected(List<CaseResult> failures)
        {
            var (must, may) = Expected(cases);
            var names = failures.Select(result => result.Case.Name).ToHashSet();
            return must.IsSubsetOf(names) && names.IsSubsetOf(must.Union(may));
        }
    }

    /// <summary>A second node is what none of the flawed receivers has; what bites there is the product's own tests.</summary>
    [Fact]
    public void EveryCase_ThatOneNodeCanFail_IsFailedBySomeFlaw()
    {
        var bitten = Flaws.Where(row => (string)row[0] != nameof(AnswersOnly)).SelectMany(row => Expected((string)row[1]).Must).Append(SingleValid.CaseName).ToHashSet();
        Assert.Equal(["two-nodes"], Catalogue.All.Select(one => one.Name).Where(name => !bitten.Contains(name)));
    }

    /// <summary>The cases that a receiver fails, or may.</summary>
    internal static HashSet<string> Mentioned(string receiver)
    {
        var (must, may) = Expected((string)Flaws.Single(row => (string)row[0] == receiver)[1]);
        return [.. must, .. may];
    }

    /// <summary>
    /// A case behind a tilde fails, or not, as the processes happen to be timed: where the machine hesitates between two deliveries, the feed is asked for what
    /// is between them. A star stands for every case.
    /// </summary>
    private static (HashSet<string> Must, HashSet<string> May) Expected(string cases)
    {
        var names = cases == "*"
            ? [.. Catalogue.All.Select(one => one.Name).Where(name => name != "two-nodes")]
            : cases.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return ([.. names.Where(name => name[0] != '~')], [.. names.Where(name => name[0] == '~').Select(name => name[1..])]);
    }
}
