using System.Data.Common;

namespace Webhooks.Receiver;

/// <summary>Collects what is to happen, and lets all of it happen at once. What was decided meanwhile by another is compared at the commit again.</summary>
internal sealed class MemoryTransaction(Lock gate, MemoryShelf shelf) : IInboxTransaction
{
    private readonly List<(Func<bool> Holds, Action Act)> _steps = [];

    public DbConnection? Connection => null;

    public DbTransaction? Transaction => null;

    public Task<bool> AdvanceAsync(StreamPosition from, StreamPosition to, Settlement how, CancellationToken cancellationToken)
    {
        var one = how is not (Settlement.Lost or Settlement.Marked or Settlement.Rewound);
        return Step(
            () => shelf.Tally.Position == from && !(one && shelf.Tally.Ahead.Any(mark => mark.Seq == to.Seq && shelf.Tally.Epochs.Counts(mark.Epoch, mark.Seq))),
            () =>
            {
                if (how == Settlement.Rewound) shelf.Reset(to);
                else shelf.Tally.Advance(to, how);
            });
    }

    public Task<bool> MarkAsync(EventKey key, Settlement how, CancellationToken cancellationToken) =>
        Step(() => !shelf.IsSettled(key), () => shelf.Mark(key, how));

    public Task UnmarkAsync(long after, int belowEpoch, CancellationToken cancellationToken) => Step(() => true, () => shelf.Unmark(after, belowEpoch));

    public Task ParkAsync(ParkedEvent parked, CancellationToken cancellationToken) => Step(() => true, () => shelf.Parked[parked.Event.Key] = parked);

    public Task<bool> UnparkAsync(EventKey key, Settlement becomes, CancellationToken cancellationToken) =>
        Step(() => shelf.Parked.ContainsKey(key), () => shelf.Unpark(key, becomes));

    public Task RecordPassedAsync(PassedRange range, CancellationToken cancellationToken) => Step(() => true, () => shelf.Passed.Add(range));

    public Task CommitAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            // What another was given meanwhile would have made this transaction wait, and fail, in a database.
            if (!_steps.TrueForAll(step => step.Holds())) throw new InboxUnavailableException("Another transaction has settled the same.");
            _steps.ForEach(step => step.Act());
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<bool> Step(Func<bool> holds, Action act)
    {
        lock (gate)
        {
            if (!holds()) return Task.FromResult(false);
            _steps.Add((holds, act));
            return Task.FromResult(true);
        }
    }
}
