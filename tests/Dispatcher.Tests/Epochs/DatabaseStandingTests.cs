using Webhooks.Dispatcher.Epochs;

namespace Webhooks.Dispatcher.Tests.Epochs;

/// <summary>When a database is another one than is recorded.</summary>
public class DatabaseStandingTests
{
    private static readonly DatabaseStanding Same = new(Epoch: 7, RecordedSystem: 11, RecordedTimeline: 1, Timeline: 1, LogPosition: 1000);

    [Fact]
    public void Compare_NothingChanged_IsNone()
    {
        Assert.Equal(IdentityChange.None, Same.Compare(11, default));
        Assert.Equal(IdentityChange.None, Same.Compare(11, new SeenLog(7, 1000)));
        // A look of before the last raise says nothing of this epoch.
        Assert.Equal(IdentityChange.None, Same.Compare(11, new SeenLog(6, 5000)));
    }

    [Fact]
    public void Compare_SystemIdentifierNotReadable_IsLeftOut() => Assert.Equal(IdentityChange.None, Same.Compare(null, default));

    [Fact]
    public void Compare_AnotherCluster_IsNoticedFirst() =>
        Assert.Equal(IdentityChange.SystemIdentifierChanged, (Same with { Timeline = 2 }).Compare(12, new SeenLog(7, 2000)));

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    public void Compare_AnotherTimeline_IsNoticed(int timeline) => Assert.Equal(IdentityChange.TimelineChanged, (Same with { Timeline = timeline }).Compare(11, default));

    [Fact]
    public void Compare_LogBehindWhatWasSeen_IsNoticed()
    {
        Assert.Equal(IdentityChange.LogWentBack, Same.Compare(11, new SeenLog(7, 1001)));
        Assert.Equal(IdentityChange.LogWentBack, Same.Compare(11, new SeenLog(8, 1)));
    }

    [Fact]
    public void Compare_OnAStandby_IsNone() =>
        Assert.Equal(IdentityChange.None, (Same with { Timeline = null, LogPosition = null }).Compare(12, new SeenLog(7, 2000)));

    [Fact]
    public void Compare_FirstTime_IsToBeRecordedAndNoRaise()
    {
        Assert.Equal(IdentityChange.NotRecorded, (Same with { RecordedSystem = null, RecordedTimeline = null }).Compare(11, default));
        Assert.Equal(IdentityChange.NotRecorded, (Same with { RecordedSystem = null }).Compare(11, default));
        Assert.Equal(IdentityChange.None, (Same with { RecordedSystem = null }).Compare(null, default));
    }

    [Fact]
    public void SeenLog_OnlyGrowsWithinAnEpoch_AndBeginsAnewWithTheNext()
    {
        var seen = default(SeenLog).With(Same);
        Assert.Equal(new SeenLog(7, 1000), seen);
        Assert.Equal(seen, seen.With(Same with { LogPosition = 900 }));
        Assert.Equal(new SeenLog(7, 1100), seen.With(Same with { LogPosition = 1100 }));
        Assert.Equal(new SeenLog(8, 10), seen.With(Same with { Epoch = 8, LogPosition = 10 }));
        Assert.Equal(seen, seen.With(Same with { Epoch = 6, LogPosition = 5000 }));
        Assert.Equal(seen, seen.With(Same with { Timeline = null, LogPosition = null }));
    }
}
