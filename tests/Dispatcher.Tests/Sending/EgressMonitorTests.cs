using FsCheck;
using FsCheck.Fluent;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>Design 5.2, decided without a clock, a socket or a database: whether the node's own network is at fault.</summary>
public class EgressMonitorTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly EgressMonitor _monitor = new(new EgressOptions());
    private TimeSpan _now = TimeSpan.FromMinutes(5);

    [Fact]
    public void Observe_MostOfTwentyFail_IsSuspected()
    {
        for (var i = 1; i <= 19; i++) Assert.Equal(EgressChange.None, See(i, failed: true));
        Assert.False(_monitor.IsSuspect);
        Assert.Equal(EgressChange.Suspected, See(20, failed: true));
        Assert.True(_monitor.IsSuspect);
    }

    [Fact]
    public void Observe_OneEndpointFailsOften_IsNotSuspected()
    {
        for (var i = 0; i < 1000; i++) See(1, failed: true);
        for (var i = 2; i <= 15; i++) See(i, failed: true);
        Assert.False(_monitor.IsSuspect);
    }

    [Theory]
    [InlineData(10, false)]
    [InlineData(11, true)]
    public void Observe_HalfIsNotMost(int failing, bool suspect)
    {
        // One a second and by turns, so that no shorter stretch says otherwise.
        for (var i = 0; i < 20 - failing; i++) See(100 + i, failed: false);
        for (var i = 0; i < failing; i++) See(i, failed: true);
        Assert.Equal(suspect, _monitor.IsSuspect);
    }

    [Fact]
    public void Observe_FailuresOlderThanTheWindow_DoNotCount()
    {
        for (var i = 0; i < 60; i++, _now += 6 * Second) See(i, failed: true);
        Assert.False(_monitor.IsSuspect);
    }

    /// <summary>All endpoints answered until a moment ago. That must not hide the cut until half of them have failed.</summary>
    [Fact]
    public void Observe_AllAnsweredJustBefore_TwentyFailuresAreEnough()
    {
        for (var i = 0; i < 200; i++) See(i, failed: false);
        _now += Second;
        for (var i = 0; i < 20; i++) See(i, failed: true);
        Assert.True(_monitor.IsSuspect);
    }

    [Fact]
    public void Judge_BeforeAndDuringSuspicion()
    {
        See(1, failed: true);
        Assert.Equal(EgressVerdict.Counts, _monitor.Judge(1, wouldPause: false, _now));
        Assert.Equal(EgressVerdict.Confirm, _monitor.Judge(1, wouldPause: true, _now));
        _now += 15 * Second;
        See(1, failed: true);
        Assert.Equal(EgressVerdict.Counts, _monitor.Judge(1, wouldPause: true, _now));

        for (var i = 1; i <= 20; i++) See(i, failed: true);
        Assert.Equal(EgressVerdict.Suspect, _monitor.Judge(1, wouldPause: true, _now));
        Assert.Equal(EgressVerdict.Suspect, _monitor.Judge(2, wouldPause: false, _now));
    }

    [Fact]
    public void Judge_ItAnsweredInBetween_IsToBeConfirmedAnew()
    {
        See(1, failed: true);
        Assert.Equal(EgressVerdict.Confirm, _monitor.Judge(1, wouldPause: true, _now));
        See(1, failed: false);
        See(1, failed: true);
        Assert.Equal(EgressVerdict.Confirm, _monitor.Judge(1, wouldPause: true, _now));
    }

    /// <summary>However long the confirming attempt takes to come, it is not put off for ever.</summary>
    [Fact]
    public void Judge_ConfirmingAfterManyWindows_StillCounts()
    {
        See(1, failed: true);
        _monitor.Judge(1, wouldPause: true, _now);
        for (var i = 0; i < 8; i++, _now += 60 * Second) See(2, failed: false);
        See(1, failed: true);
        Assert.Equal(EgressVerdict.Counts, _monitor.Judge(1, wouldPause: true, _now));
    }

    [Fact]
    public void Recover_SomeThatFailedAnswer_Ends()
    {
        Cut(200);
        _now += 30 * Second;
        for (var i = 0; i < 4; i++) Assert.Equal(EgressChange.None, See(i, failed: false));
        // Under way since before it healed; says nothing about now.
        See(50, failed: true, took: 15 * Second);
        Assert.Equal(EgressChange.Recovered, See(4, failed: false));
        Assert.False(_monitor.IsSuspect);
        // What is found failing now is its own affair.
        See(5, failed: true);
        Assert.Equal(EgressVerdict.Counts, _monitor.Judge(5, wouldPause: false, _now));
    }

    /// <summary>Requests over connections that stood end in silence, long after the network has come back: that must not look like another cut.</summary>
    [Fact]
    public void Recover_FailuresThatBeganBefore_AreNoNewCutAndNobodysFault()
    {
        Cut(200);
        _now += 30 * Second;
        for (var i = 0; i < 5; i++) See(i, failed: false);
        Assert.False(_monitor.IsSuspect);
        _now += 10 * Second;
        for (var i = 5; i < 100; i++) See(i, failed: true, took: 15 * Second);
        Assert.False(_monitor.IsSuspect);
        Assert.Equal(EgressVerdict.Suspect, _monitor.Judge(50, wouldPause: true, _now));
        See(50, failed: true, took: 5 * Second);
        Assert.Equal(EgressVerdict.Counts, _monitor.Judge(50, wouldPause: false, _now));
    }

    [Fact]
    public void Recover_SomeAnswerAndOthersStillFail_DoesNotEnd()
    {
        Cut(200);
        for (var i = 0; i < 100; i++, _now += Second / 10)
        {
            See(i % 40, failed: true);
            // Answered all the time: a part of the network is there.
            See(1000 + (i % 10), failed: false);
        }

        Assert.True(_monitor.IsSuspect);
    }

    /// <summary>Twelve dead endpoints among twenty: they may not go unpaused for ever because they are many.</summary>
    [Fact]
    public void Recover_OthersAnsweredForLong_WhatStillFailsIsTakenForItsOwnFault()
    {
        for (var turn = 0; turn < 11 * 60; turn += 5, _now += 5 * Second)
        {
            for (var i = 0; i < 12; i++) See(i, failed: true);
            for (var i = 12; i < 20; i++) See(i, failed: false);
            if (turn == 0) Assert.True(_monitor.IsSuspect);
        }

        Assert.False(_monitor.IsSuspect);
        Assert.Equal(EgressVerdict.Counts, _monitor.Judge(3, wouldPause: true, _now));
        // One that answers is believed again.
        for (var i = 0; i < 12; i++) See(i, failed: false);
        Cut(20);
        Assert.Equal(EgressVerdict.Suspect, _monitor.Judge(3, wouldPause: true, _now));
    }

    [Fact]
    public void Recover_NobodyAnswers_NeverEnds()
    {
        Cut(30);
        See(0, failed: false);
        for (var minute = 0; minute < 120; minute++, _now += 60 * Second)
            for (var i = 0; i < 30; i++) See(i, failed: true);
        Assert.True(_monitor.IsSuspect);
    }

    /// <summary>Counting by the second gives what counting everything anew gives, whatever the order of observations.</summary>
    [Fact]
    public void Observe_WhateverTheOrder_SuspectsExactlyWhenAStretchSaysSo() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<List<(byte Endpoint, byte Wait, byte Kind)>>(),
            steps =>
            {
                var monitor = new EgressMonitor(new EgressOptions { MinEndpoints = 4, Window = TimeSpan.FromSeconds(5) });
                var last = new Dictionary<long, (long Second, bool Failed)>();
                var now = TimeSpan.FromSeconds(100);
                foreach (var (endpoint, wait, kind) in steps)
                {
                    now += TimeSpan.FromMilliseconds(wait * 4);
                    var failed = kind % 3 != 0;
                    last[endpoint % 9] = ((long)now.TotalSeconds, failed);
                    var expected = Enumerable.Range(0, 6).Any(back =>
                    {
                        var stretch = last.Values.Where(one => one.Second >= (long)now.TotalSeconds - back).ToList();
                        return stretch.Count >= 4 && stretch.Count(one => one.Failed) * 2 > stretch.Count;
                    });
                    var change = monitor.Observe(endpoint % 9, failed, now, now);
                    if (expected != (change == EgressChange.Suspected)) return false;
                    if (expected) return true;
                }

                return true;
            }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, 0.0, 1)]
    [InlineData(0, 1.0, 2)]
    [InlineData(60, 1.0, 30)]
    [InlineData(3600, 0.0, 30)]
    [InlineData(3600, 1.0, 60)]
    public void Wait_WhileSuspect_GrowsToItsBound(int suspectFor, double random, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), EgressRules.WaitWhileSuspect(TimeSpan.FromSeconds(suspectFor), TimeSpan.FromMinutes(1), random));

    private void Cut(int endpoints)
    {
        for (var i = 0; i < endpoints; i++) See(i, failed: true);
        Assert.True(_monitor.IsSuspect);
    }

    private EgressChange See(long endpoint, bool failed, TimeSpan took = default) => _monitor.Observe(endpoint, failed, _now - took, _now);
}
