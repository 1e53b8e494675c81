using Webhooks.Dispatcher.Retention;

namespace Webhooks.Dispatcher.Tests.Retention;

public class PeriodPlanTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    [Fact]
    public void Next_OnlyThePeriodInForce_ItsSuccessorIsMadeAheadAndBegunInTime()
    {
        var first = new Period(0, Start, Start);
        Assert.Equal((PeriodStep.Create, 1), Next([first], 0));
        Assert.Equal(PeriodStep.None, Next([first, new Period(1, Start)], 2.9).Step);
        Assert.Equal((PeriodStep.Begin, 1), Next([first, new Period(1, Start)], 3));
        // Made so late that a statement may still run that does not know it.
        Assert.Equal(PeriodStep.None, Next([first, new Period(1, Start.AddDays(9))], 9).Step);
        Assert.Equal((PeriodStep.Begin, 1), Next([first, new Period(1, Start.AddDays(9))], 9.001));
    }

    [Fact]
    public void Next_OldestNoLongerKept_FloorsFirstThenDropped()
    {
        var old = new Period(0, Start, Start, Start.AddDays(3), WritersEnded: true);
        Assert.Equal(PeriodStep.None, After(old, 32.9).Step);
        Assert.Equal((PeriodStep.RaiseFloors, 0), After(old, 33));
        Assert.Equal((PeriodStep.AwaitWriters, 0), After(old with { WritersEnded = false }, 33));
        // One of its events was committed late, and is kept as long as any.
        var late = old with { LateAt = Start.AddDays(4) };
        Assert.Equal(PeriodStep.None, After(late, 33.9).Step);
        Assert.Equal((PeriodStep.RaiseFloors, 0), After(late, 34));
        // Nobody goes on by a cursor that he read before.
        var raised = old with { ExpiringAt = Start.AddDays(33), FloorsRaisedAt = Start.AddDays(33) };
        Assert.Equal(PeriodStep.None, After(raised, 33.0001).Step);
        Assert.Equal((PeriodStep.Drop, 0), After(raised, 33.001));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1L << 40, 1)]
    [InlineData((1L << 40) - 1, 0)]
    [InlineData((5L << 40) + 77, 5)]
    public void Of_Position_IsItsUpperBits(long position, int period) => Assert.Equal(period, Period.Of(position));

    private static (PeriodStep Step, int Period) After(Period old, double days) =>
        Next([old, new Period(1, Start, Start.AddDays(days)), new Period(2, Start.AddDays(days))], days);

    private static (PeriodStep Step, int Period) Next(Period[] periods, double days) =>
        PeriodPlan.Next(periods, Start.AddDays(days), new RetentionOptions(), Lease);
}
