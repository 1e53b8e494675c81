using FsCheck;
using FsCheck.Fluent;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Tests.Sequencing;

/// <summary>
/// Promises 1 and 2, over interleavings that nobody chose: transactions get an id, draw positions, commit or roll back in any order, while
/// batches of any size are taken. The model of transaction ids is PostgreSQL's: a snapshot's xmin is bounded by the newest <i>ended</i> one.
/// </summary>
public class GapSetTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(1500).WithEndSize(250).WithQuietOnSuccess(true);

    private enum What
    {
        Begin,
        Draw,
        Commit,
        RollBack,
        Batch,
    }

    private static readonly Gen<(What What, int Which)> Step =
        from what in Gen.Frequency((4, Gen.Constant(What.Begin)), (6, Gen.Constant(What.Draw)), (3, Gen.Constant(What.Commit)), (2, Gen.Constant(What.RollBack)), (3, Gen.Constant(What.Batch)))
        from which in Gen.Choose(0, 7)
        select (what, which);

    [Fact]
    public void Advance_AnyInterleaving_EveryCommittedPositionIsTakenOnceAndGapsEnd() =>
        Prop.ForAll(Arb.From(Step.ListOf()), steps => { Check(steps); }).Check(Runs);

    private static void Check(IEnumerable<(What What, int Which)> steps)
    {
        var model = new Server();
        foreach (var (what, which) in steps)
        {
            var transaction = model.Running.Count == 0 ? null : model.Running[which % model.Running.Count];
            switch (what)
            {
                case What.Begin: model.Begin(); break;
                case What.Draw when transaction is not null: model.Draw(transaction); break;
                case What.Commit when transaction is not null: model.End(transaction, commit: true); break;
                case What.RollBack when transaction is not null: model.End(transaction, commit: false); break;
                case What.Batch: model.Batch(limit: 1 + which); break;
                default: break;
            }
        }

        // All end; what is left is taken, and two more events sweep the gaps.
        while (model.Running.Count > 0) model.End(model.Running[0], commit: model.Running.Count % 2 == 0);
        while (model.Batch(limit: 3) > 0) { }
        Assert.Equal(model.Committed.Order(), model.Taken.Order());
        for (var i = 0; i < 2; i++)
        {
            var sweeper = model.Begin();
            model.Draw(sweeper);
            model.End(sweeper, commit: true);
            model.Batch(limit: 100);
        }

        Assert.Empty(model.State.Gaps);
    }

    private sealed class Transaction(long id)
    {
        public long Id { get; } = id;

        public List<long> Drawn { get; } = [];
    }

    private sealed class Server
    {
        private long _nextId = 100;
        private long _newestEnded = 99;
        private long _nextPosition = 1;

        public List<Transaction> Running { get; } = [];

        public HashSet<long> Committed { get; } = [];

        public List<long> Taken { get; } = [];

        public GapSet State { get; private set; } = GapSet.Empty;

        public Transaction Begin()
        {
            var transaction = new Transaction(_nextId++);
            Running.Add(transaction);
            return transaction;
        }

        public void Draw(Transaction transaction) => transaction.Drawn.Add(_nextPosition++);

        public void End(Transaction transaction, bool commit)
        {
            Running.Remove(transaction);
            _newestEnded = Math.Max(_newestEnded, transaction.Id);
            if (commit) Committed.UnionWith(transaction.Drawn);
        }

        public int Batch(int limit)
        {
            var visible = Committed.Where(position => !State.Covers(position)).Order().ToList();
            var taken = visible.Take(limit).ToList();
            if (taken.Count == 0) return 0;
            Assert.Empty(taken.Intersect(Taken));
            var xmin = Running.Select(transaction => transaction.Id).Append(_newestEnded + 1).Min();
            var own = Begin();
            State = State.Advance(taken, complete: visible.Count < limit, xmin, own.Id);
            End(own, commit: true);
            Taken.AddRange(taken);
            Assert.All(taken, position => Assert.True(State.Covers(position)));
            Assert.All(visible.Skip(limit), position => Assert.False(State.Covers(position)));
            Assert.All(State.Gaps.Zip(State.Gaps.Skip(1)), pair => Assert.True(pair.First.Last < pair.Second.First));
            return taken.Count;
        }
    }
}
