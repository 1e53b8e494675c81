using Webhooks.Chaos.Faults;

namespace Webhooks.Chaos.Judging;

/// <summary>Books that balance, and what the ledger says of them when one row is wrong: each finding must bite.</summary>
public class LedgerTests
{
    private const string Application = "app_1";
    private const int Events = 5;
    private static readonly DateTime Start = new(2026, 11, 21, 3, 0, 0, DateTimeKind.Utc);
    private static readonly Incident Kill = new(At(3), At(3), "kill -9 of dispatcher 0");

    [Fact]
    public void Judge_BothSidesAgree_Balances() => Assert.Empty(Ledger.Judge(Good()).Findings);

    [Fact]
    public void Judge_EffectMissing_Lost() => Bites(Wrong.Lost, books => books with { Effects = [.. books.Effects.SkipLast(1)] });

    [Fact]
    public void Judge_EventNeverNumbered_Lost() => Bites(Wrong.Lost, Good() with { Published = [.. Good().Published, Published(9)] });

    [Fact]
    public void Judge_DeletedEndpoint_MayLackTheLastEffectsAndNoOthers()
    {
        var books = Good().Endpoints[0];
        books = books with { Matched = [.. books.Matched, new Matched(null, At(50), At(51))], State = books.State with { Status = "deleted" } };
        Assert.Empty(Ledger.Judge(Good() with { Endpoints = [books with { Effects = [.. books.Effects.Take(3)] }] }).Findings);
        Bites(Wrong.Lost, Good() with { Endpoints = [books with { Effects = [.. books.Effects.Where(effect => effect.Seq != 2)] }] });
    }

    [Fact]
    public void Judge_NumberMissing_Hole() => Bites(Wrong.Hole, books => books with { Deliveries = [.. books.Deliveries.Select(row => row.Seq < 4 ? row : row with { Seq = row.Seq + 1 })] });

    [Fact]
    public void Judge_EffectsOutOfOrder_Reordered() => Bites(Wrong.Reordered, books => books with { Effects = [.. books.Effects.OrderBy(effect => effect.Seq == 2 ? 9 : effect.Seq)] });

    [Fact]
    public void Judge_PublishersOrderTurned_Reordered() => Bites(Wrong.Reordered, Good() with { Published = [.. Good().Published.Select(row => row.Number == 2 ? row with { Number = 9 } : row)] });

    [Fact]
    public void Judge_NextArrivedBeforeItsPredecessorWasAccepted_ReorderedOnTheWire() => Bites(
        Wrong.ReorderedOnTheWire, books => books with { Wire = [.. books.Wire.Select(request => request.From == 2 ? request with { Answered = At(10) } : request)] });

    [Theory]
    [InlineData(500)]
    [InlineData(WireLog.Reset)]
    [InlineData(null)]
    public void Judge_NextArrivedThoughItsPredecessorWasNot_ReorderedOnTheWire(int? status) => Bites(
        Wrong.ReorderedOnTheWire, books => books with { Wire = [.. books.Wire.Select(request => request.From == 2 ? request with { Status = status } : request)] });

    [Theory]
    [InlineData("skipped")]
    [InlineData("taken_from_feed")]
    public void Judge_PredecessorSettledOtherwise_Balances(string outcome) => Assert.Empty(Ledger.Judge(With(books => books with
    {
        Wire = [.. books.Wire.Where(request => request.From != 2)],
        Settlements = [new SettlementRow(1, 1, "delivered", At(1.5)), new SettlementRow(2, 2, outcome, At(2.5)), new SettlementRow(3, Events, "delivered", At(6))],
    })).Findings);

    [Fact]
    public void Judge_RelaxedEndpoint_MayOvertake() => Assert.Empty(Ledger.Judge(With(books => books with
    {
        Ordering = Ordering.Relaxed, Wire = [.. books.Wire.Select(request => request.From == 2 ? request with { Answered = At(10) } : request)],
    })).Findings);

    [Fact]
    public void Judge_BatchBeforeItsPredecessorWasAccepted_ReorderedOnTheWire() => Bites(Wrong.ReorderedOnTheWire, books => books with
    {
        Ordering = Ordering.Batch,
        Wire = [Request(1) with { Id = "batch_1", To = 3, Answered = At(4.5) }, Request(4) with { Id = "batch_2", To = Events }],
    });

    [Fact]
    public void Judge_EffectTwice_Twice() => Bites(Wrong.Twice, books => books with { Effects = [.. books.Effects, books.Effects[1]] });

    [Fact]
    public void Judge_EventWithTwoNumbers_Twice() => Bites(Wrong.Twice, books => books with { Deliveries = [.. books.Deliveries, new DeliveryRow(Events + 1, Id(1))] });

    [Fact]
    public void Judge_UnknownEventNumbered_RolledBackDelivered() => Bites(Wrong.RolledBackDelivered, books => books with { Deliveries = [.. books.Deliveries, new DeliveryRow(Events + 1, Id(77))] });

    [Fact]
    public void Judge_UnknownEventTookEffect_RolledBackDelivered() => Bites(Wrong.RolledBackDelivered, books => books with { Effects = [.. books.Effects, new EffectRow(Events + 1, Id(77), "x")] });

    [Fact]
    public void Judge_UnknownEventOnTheWire_RolledBackDelivered() => Bites(Wrong.RolledBackDelivered, books => books with { Wire = [.. books.Wire, Request(Events + 1)] });

    [Fact]
    public void Judge_OtherData_Altered() => Bites(Wrong.Altered, books => books with { Effects = [.. books.Effects.Select(effect => effect with { Sha256 = "other" })] });

    [Fact]
    public void Judge_EventOfATypeThatDoesNotMatch_Misrouted() => Bites(Wrong.Misrouted, books => books with { Matched = [new Matched("customer.moved", At(-9), At(-8))] });

    [Fact]
    public void Judge_OtherCustomersEvent_Misrouted() => Bites(Wrong.Misrouted, books => books with { Application = "app_2" });

    [Fact]
    public void Judge_BothEventsOfAKeyNumbered_Deduplication() => Bites(Wrong.Deduplication, Good() with { Published = [.. Good().Published.Select(row => row with { DedupeKey = "k" })] });

    [Fact]
    public void Judge_NoEventOfAKeyKept_Deduplication() => Bites(
        Wrong.Deduplication, Good() with { Published = [.. Good().Published, Published(9) with { DedupeKey = "k" }], Duplicates = new HashSet<string> { Id(9) } });

    [Fact]
    public void Judge_RefusedAsBad_Rejected() => Bites(Wrong.Rejected, books => books with { Wire = [Request(1) with { Status = 401, Arrived = At(0.5) }, .. books.Wire] });

    [Theory]
    [InlineData("paused", null, Events)]
    [InlineData("active", "some node", Events)]
    [InlineData("active", null, Events - 1)]
    public void Judge_DispatcherNotDone_Unsettled(string status, string? owner, long cursor) => Bites(Wrong.Unsettled, books => books with { State = new StateRow(status, owner, Events, cursor) });

    [Fact]
    public void Judge_DeferredNumber_IsSettledByTheEndOfItsRetries()
    {
        SettlementRow[] deferred = [new(1, 2, "delivered", At(2.5)), new(3, 3, "deferred", At(4)), new(4, Events, "delivered", At(6)), new(Events + 1, Events, "delivered", At(6))];
        Bites(Wrong.Unsettled, books => books with { Settlements = deferred });
        Assert.Empty(Ledger.Judge(With(books => books with { Settlements = [.. deferred, new(3, 3, "delivered", At(7))] })).Findings);
    }

    [Fact]
    public void Judge_ProcessEndedByItself_Crashed() => Bites(Wrong.Crashed, Good() with { Crashes = ["dispatcher 1"] });

    [Fact]
    public void Judge_NumbersWithoutSettlement_Unsettled() => Bites(Wrong.Unsettled, books => books with
    {
        Settlements = [new SettlementRow(1, 2, "delivered", At(2.5)), new SettlementRow(4, Events, "delivered", At(6))],
    });

    [Fact]
    public void Judge_AcceptedAndUnsettledAtAKill_MayComeAgain()
    {
        var judgement = Ledger.Judge(With(books => books with { Wire = [.. books.Wire, Request(3) with { Arrived = At(6), Answered = At(6.5) }], Settlements = [new SettlementRow(1, Events, "delivered", At(6))] }) with { Incidents = [Kill] });
        Assert.Empty(judgement.Findings);
        Assert.Equal(1, judgement.Duplicates);
    }

    [Fact]
    public void Judge_CameAgainForNoReason_SentAgain() => Bites(Wrong.SentAgain, books => books with { Wire = [.. books.Wire, Request(3) with { Arrived = At(6), Answered = At(6.5) }] });

    [Fact]
    public void Judge_CameAgainThoughSettled_SentAgain() => Bites(
        Wrong.SentAgain, With(books => books with { Wire = [.. books.Wire, Request(3) with { Arrived = At(60), Answered = At(60.5) }] }) with { Incidents = [Kill, Kill with { From = At(59), To = At(59) }] });

    [Fact]
    public void Judge_CameAgainAsOftenAsRewound_Balances()
    {
        var again = Request(3) with { Arrived = At(60), Answered = At(60.5) };
        var rewound = new SettlementRow(3, 3, "rewound", At(59));
        Assert.Empty(Ledger.Judge(With(books => books with { Wire = [.. books.Wire, again], Settlements = [.. books.Settlements, rewound] })).Findings);
    }

    [Fact]
    public void Judge_CameAgainAfterEachFailedAttemptAndOnceMore_SentAgain()
    {
        var again = Request(3) with { Arrived = At(5.8), Answered = At(5.9) };
        var failed = With(books => books with { Wire = [.. books.Wire, again], Attempts = [new AttemptRow(3, At(2.9))] });
        Assert.Empty(Ledger.Judge(failed).Findings);
        Bites(Wrong.SentAgain, failed with { Endpoints = [failed.Endpoints[0] with { Wire = [.. failed.Endpoints[0].Wire, again with { Arrived = At(5.95), Answered = At(5.96) }] }] });
    }

    [Fact]
    public void Judge_CameAgainAfterAKillAndOnceMoreAfterThatAttemptFailed_Balances()
    {
        // The failed attempt is what came at 57.8: it explains the last coming, and not itself.
        WireRequest[] again = [Request(3) with { Arrived = At(57.8), Answered = At(57.9) }, Request(3) with { Arrived = At(58), Answered = At(58.1) }];
        var books = With(books => books with
        {
            Wire = [.. books.Wire, .. again], Attempts = [new AttemptRow(3, At(57.7))],
            Settlements = [new SettlementRow(1, 2, "delivered", At(6)), new SettlementRow(3, Events, "delivered", At(59))],
        });
        Assert.Empty(Ledger.Judge(books with { Incidents = [Kill with { From = At(4), To = At(4) }] }).Findings);
    }

    [Fact]
    public void Judge_MoreCameAgainThanCanHaveBeenInHand_SentAgain()
    {
        const int Many = SentAgain.Window + 1;
        var first = Enumerable.Range(1, Many).Select(seq => Request(seq) with { Arrived = At(1 + (seq / 1000.0)), Answered = At(1 + (seq / 1000.0)) });
        var again = Enumerable.Range(1, Many).Select(seq => Request(seq) with { Arrived = At(4 + (seq / 1000.0)), Answered = At(4 + (seq / 1000.0)) });
        EndpointBooks Sent(int count) => Good().Endpoints[0] with { Wire = [.. first, .. again.Take(count)], Settlements = [new SettlementRow(1, Many, "delivered", At(5))] };
        Assert.Empty(SentAgain.Judge(Sent(Many - 1), [Kill]).Findings);
        Assert.Single(SentAgain.Judge(Sent(Many), [Kill]).Findings);
    }

    [Theory]
    [InlineData(-20, -19, false, false)]
    [InlineData(-20, -9.5, false, true)]
    [InlineData(-9.5, -9.4, false, true)]
    [InlineData(0, 1, true, true)]
    [InlineData(19, 21, false, true)]
    [InlineData(30, 31, false, false)]
    public void Matching_ChangesTakeTime_CertainOnlyOutside(double began, double committed, bool must, bool may)
    {
        var books = Good().Endpoints[0] with { Matched = [new("**", At(-10), At(-9)), new(null, At(20), At(22))] };
        var row = Published(1) with { Began = At(began), Committed = At(committed) };
        Assert.Equal((must, may), (Judging.Matching.Must(books, row), Judging.Matching.May(books, row)));
    }

    private static void Bites(Wrong wrong, Func<EndpointBooks, EndpointBooks> doctor) => Bites(wrong, With(doctor));

    private static void Bites(Wrong wrong, Books books) => Assert.Contains(Ledger.Judge(books).Findings, finding => finding.Wrong == wrong);

    private static Books With(Func<EndpointBooks, EndpointBooks> doctor) => Good() with { Endpoints = [doctor(Good().Endpoints[0])] };

    private static Books Good() => new()
    {
        Published = [.. Enumerable.Range(1, Events).Select(Published)],
        Endpoints =
        [
            new EndpointBooks
            {
                Source = "e00", Id = "ep_1", Application = Application, Ordering = Ordering.Strict, Matched = [new Matched("**", At(-9), At(-8))],
                State = new StateRow("active", null, Events, Events), Settlements = [new SettlementRow(1, 2, "delivered", At(2.5)), new SettlementRow(3, Events, "delivered", At(6))],
                Deliveries = [.. Enumerable.Range(1, Events).Select(seq => new DeliveryRow(seq, Id(seq)))],
                Effects = [.. Enumerable.Range(1, Events).Select(seq => new EffectRow(seq, Id(seq), $"hash {seq}"))],
                Wire = [.. Enumerable.Range(1, Events).Select(Request)],
            },
        ],
    };

    private static PublishedRow Published(int number) =>
        new(Id(number), Application, "order.paid", "lane", number, null, $"hash {number}", At(number / 100.0), At((number / 100.0) + 0.005));

    private static WireRequest Request(int seq) => new(Id(seq), seq, seq, At(seq), At(seq + 0.5), 204);

    private static string Id(int number) => $"evt_{number}";

    private static DateTime At(double seconds) => Start.AddSeconds(seconds);
}
