using FsCheck;
using FsCheck.Fluent;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promises 1, 3 and 10 for what a pump knows of its stream: whose fault a failure is, what is written, what survives a takeover.</summary>
public class DeliveryWindowTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(120).WithQuietOnSuccess(true);

    private enum What
    {
        Begin,
        Succeed,
        Fail,
        Settle,
        Die,
    }

    private static readonly Gen<(What What, int Which)> Step =
        from what in Gen.Frequency(
            (8, Gen.Constant(What.Begin)), (5, Gen.Constant(What.Succeed)), (2, Gen.Constant(What.Fail)), (3, Gen.Constant(What.Settle)), (1, Gen.Constant(What.Die)))
        from which in Gen.Choose(0, 50)
        select (what, which);

    [Fact]
    public void Window_AnyCourseOfEvents_SettlesEachNumberOnceAndLosesNone() =>
        Prop.ForAll(Arb.From(from steps in Step.ListOf() from places in Gen.Elements(1, 2, 4, 16) select (steps, places)), course =>
        {
            var stream = new Stream(course.places);
            foreach (var (what, which) in course.steps) stream.Do(what, which);
            stream.End();
        }).Check(Runs);

    [Fact]
    public void Fail_WhileAnotherSucceeds_IsTheEvents()
    {
        var window = new DeliveryWindow(0, [], [], 4, cautious: false);
        var (first, _) = (window.Begin(), window.Begin());
        Assert.Empty(window.Succeed(2, 2));
        Assert.Equal(FailureReading.Event, window.Fail(1, first));
        window.Defer(1);
        Assert.Equal(2, window.Cursor);
        Assert.Equal([new(1, 1, "deferred"), new SettledRun(2, 2, "delivered")], window.Take()!.Runs);
    }

    [Fact]
    public void Fail_AllInFlight_IsOneFailureOfTheEndpointAfterASecondOpinion()
    {
        var window = new DeliveryWindow(0, [], [], 64, cautious: false);
        var begun = Enumerable.Range(1, 64).Select(seq => (seq, window.Begin())).ToList();
        Assert.False(window.MayBegin);
        foreach (var (seq, at) in begun) Assert.Equal(FailureReading.Unclear, window.Fail(seq, at));

        Assert.True(window.MayBegin);
        Assert.False(window.IsDecided);
        Assert.Equal(FailureReading.Unclear, window.Fail(65, window.Begin()));
        Assert.True(window.IsDecided);
        Assert.False(window.MayBegin);
        Assert.Null(window.Take());
    }

    [Fact]
    public void Fail_SecondOpinionSucceeds_TheFirstWasTheEventsFault()
    {
        var window = new DeliveryWindow(0, [], [], 16, cautious: false);
        Assert.Equal(FailureReading.Unclear, window.Fail(1, window.Begin()));
        window.Begin();
        Assert.False(window.MayBegin);
        Assert.Equal([1], window.Succeed(2, 2));
        Assert.True(window.MayBegin);
    }

    [Fact]
    public void Fail_WhileOneHangs_StillGetsItsSecondOpinion()
    {
        var window = new DeliveryWindow(0, [], [], 4, cautious: false);
        window.Begin();
        Assert.Equal(FailureReading.Unclear, window.Fail(2, window.Begin()));
        Assert.True(window.MayBegin);
        window.Begin();
        Assert.False(window.MayBegin);
        Assert.Equal([2], window.Succeed(3, 3));
    }

    [Fact]
    public void Fail_RelaxedWithASinglePlace_GetsASecondOpinion()
    {
        var window = new DeliveryWindow(0, [], [], 1, cautious: false, relaxed: true);
        Assert.Equal(FailureReading.Unclear, window.Fail(1, window.Begin()));
        Assert.True(window.MayBegin);
        window.Begin();
        Assert.Equal([1], window.Succeed(2, 2));
    }

    [Fact]
    public void Fail_Strict_IsTheEndpointsAtOnce()
    {
        var window = new DeliveryWindow(7, [], [], 1, cautious: false);
        var begun = window.Begin();
        Assert.False(window.MayBegin);
        window.Fail(8, begun);
        Assert.True(window.IsDecided);
        Assert.Equal(7, window.Cursor);
    }

    [Fact]
    public void Begin_AfterAFailure_OneAtATimeUntilOneSucceeds()
    {
        var window = new DeliveryWindow(0, [], [], 16, cautious: true);
        window.Begin();
        Assert.False(window.MayBegin);
        window.Succeed(1, 1);
        window.Begin();
        Assert.True(window.MayBegin);
    }

    [Fact]
    public void Take_OneSlowAnswer_KeepsWhatIsAheadAndBoundsIt()
    {
        var window = new DeliveryWindow(0, [], [], 4, cautious: false);
        window.Begin();
        for (var seq = 2; !window.IsTooFar(seq); seq++)
        {
            window.Begin();
            window.Succeed(seq, seq);
        }

        var settlement = window.Take()!;
        Assert.Equal((0, 999), (settlement.Cursor, settlement.Ahead.Count));
        Assert.Equal([new SettledRun(1, 0, "delivered")], settlement.Runs);
        Assert.Null(window.Take());
        window.Succeed(1, 1);
        settlement = window.Take()!;
        Assert.Equal((1000, 0), (settlement.Cursor, settlement.Ahead.Count));
        Assert.Equal([new SettledRun(1, 1000, "delivered")], settlement.Runs);
    }

    /// <summary>A stream whose sender may die at any moment; what is kept is what was written.</summary>
    private sealed class Stream(int places)
    {
        private const long Head = 300;
        private readonly Dictionary<long, string> _settled = [];
        private readonly HashSet<long> _deferred = [];
        private readonly Dictionary<long, long> _inFlight = [];
        private readonly HashSet<long> _accepted = [];
        private long _cursor;
        private IReadOnlyCollection<long> _ahead = [];
        private DeliveryWindow _window = new(0, [], [], places, cautious: false);
        private long _next = 1;

        public void Do(What what, int which)
        {
            var inFlight = _inFlight.Count == 0 ? 0 : _inFlight.Keys.Order().ElementAt(which % _inFlight.Count);
            switch (what)
            {
                case What.Begin: Begin(); break;
                case What.Succeed when inFlight > 0: Succeed(inFlight); break;
                case What.Fail when inFlight > 0: Fail(inFlight); break;
                case What.Settle: Settle(); break;
                case What.Die: Restart(cautious: which % 2 == 0); break;
                default: break;
            }
        }

        public void End()
        {
            for (var i = 0; i < 5 * Head && (_window.Cursor < Head || _inFlight.Count > 0); i++)
            {
                Begin();
                if (_inFlight.Count > 0) Succeed(_inFlight.Keys.Min());
                else if (_window.IsDecided) Restart(cautious: true);
            }

            Settle();
            Assert.Equal((Head, 0), (_cursor, _ahead.Count));
            Assert.Equal(Enumerable.Range(1, (int)Head).Select(seq => (long)seq), _settled.Keys.Order());
            Assert.All(_settled.Where(one => one.Value == "delivered"), one => Assert.Contains(one.Key, _accepted));
            Assert.Equal(_deferred.Order(), _settled.Where(one => one.Value == "deferred").Select(one => one.Key).Order());
        }

        private void Begin()
        {
            while (_next <= Head && _window.HasPassed(_next)) _next++;
            if (_next > Head || !_window.MayBegin || (_window.InFlight > 0 && _window.IsTooFar(_next))) return;
            if (places == 1) Assert.Equal(_window.Cursor + 1, _next);
            _inFlight.Add(_next++, _window.Begin());
            Assert.InRange(_window.InFlight, 1, places);
        }

        private void Succeed(long seq)
        {
            _inFlight.Remove(seq);
            _accepted.Add(seq);
            Defer(_window.Succeed(seq, seq));
        }

        private void Fail(long seq)
        {
            _inFlight.Remove(seq, out var begun);
            if (_window.Fail(seq, begun) == FailureReading.Event) Defer([seq]);
            else if (_window.IsDecided) Restart(cautious: true);
        }

        private void Defer(IReadOnlyList<long> seqs)
        {
            // The row is written before the cursor may pass it.
            foreach (var seq in seqs)
            {
                _deferred.Add(seq);
                _window.Defer(seq);
            }
        }

        private void Settle()
        {
            if (_window.Take() is not { } settlement) return;
            foreach (var run in settlement.Runs)
            {
                for (var seq = run.First; seq <= run.Last; seq++) Assert.True(_settled.TryAdd(seq, run.Outcome), $"{seq} is settled twice");
                Assert.True(run.Last <= settlement.Cursor);
            }

            Assert.True(settlement.Cursor >= _cursor);
            Assert.All(settlement.Ahead, seq => Assert.True(seq > settlement.Cursor + 1 && _accepted.Contains(seq)));
            (_cursor, _ahead) = (settlement.Cursor, settlement.Ahead);
        }

        /// <summary>Another takes over with what was written.</summary>
        private void Restart(bool cautious)
        {
            _inFlight.Clear();
            _window = new DeliveryWindow(_cursor, _ahead, _deferred.Where(seq => seq > _cursor), places, cautious);
            _next = _cursor + 1;
        }
    }
}
