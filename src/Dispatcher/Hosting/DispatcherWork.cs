using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>What one round of sequencing did.</summary>
/// <param name="Events">Events numbered.</param>
/// <param name="More">The buckets that have more pending.</param>
internal sealed record SequencedRound(int Events, IReadOnlyCollection<short> More);

/// <summary>
/// The seam between the dispatcher's work and what schedules it. Each method does what there is to do and returns; a host calls
/// them when hinted and every so often. All may be called late, twice, or from several processes: what must not happen twice is guarded in the database.
/// </summary>
internal sealed class DispatcherWork
{
    private const int BucketsAtATime = 8;

    private readonly Sequencer _sequencer;
    private readonly Pumps _pumps;
    private readonly NodeRound _node;
    private readonly LiveNodes _nodes;
    private readonly FreshEvents _fresh;
    private readonly Wake _wake;
    private readonly Maintenance _maintenance;
    private readonly TimeProvider _time;
    private long _lastRound;

    public DispatcherWork(Sequencer sequencer, Pumps pumps, NodeRound node, LiveNodes nodes, FreshEvents fresh, Wake wake, Maintenance maintenance, TimeProvider time)
    {
        (_sequencer, _pumps, _node, _nodes, _fresh, _wake, _maintenance, _time) = (sequencer, pumps, node, nodes, fresh, wake, maintenance, time);
        _lastRound = time.GetTimestamp();
        pumps.HandedBack += AnnounceDue;
        pumps.GaveBack += wake.LeaveDue;
        node.TookOver += () =>
        {
            EndpointsDue?.Invoke();
            wake.LeaveDue();
        };
        wake.EndpointsDue += () => EndpointsDue?.Invoke();
        wake.NodeLeaving += leaving =>
        {
            nodes.Leaving(leaving);
            EndpointsDue?.Invoke();
        };
    }

    /// <summary>Raised when endpoints may be due that no pump of this process works on.</summary>
    public event Action? EndpointsDue;

    /// <summary>What the last round of maintenance did here; null before the first.</summary>
    public MaintenanceRound? LastMaintenance { get; private set; }

    /// <summary>When pending events were last looked for with success.</summary>
    public long LastRound => Volatile.Read(ref _lastRound);

    /// <summary>Whether this node has its share of endpoints, and takes more only if the others leave them for long.</summary>
    public bool IsSated => _pumps.IsSated;

    /// <summary>Numbers one batch in each bucket that has something pending, of those this node looks after, or of all. Not to be called twice at a time in one process.</summary>
    /// <returns>How many events were numbered, and the buckets that have more.</returns>
    public async Task<SequencedRound> SequencePendingAsync(bool all, CancellationToken cancel) =>
        await SequenceAsync(await _sequencer.FindPendingAsync(all ? BucketShare.All : _nodes.Buckets, cancel), cancel);

    /// <summary>Numbers one batch in each of these buckets. Not to be called twice at a time in one process.</summary>
    /// <returns>How many events were numbered, and the buckets that have more.</returns>
    public async Task<SequencedRound> SequenceAsync(IReadOnlyCollection<short> buckets, CancellationToken cancel)
    {
        var events = 0;
        var more = new ConcurrentQueue<short>();
        Exception? trouble = null;
        // Side by side, or the last bucket would wait for the disk as many times as there are buckets before it; the server syncs them together.
        // One batch each, or a backlog in one would keep the others waiting until it is worked off.
        await Parallel.ForEachAsync(
            buckets, new ParallelOptions { MaxDegreeOfParallelism = BucketsAtATime, CancellationToken = cancel },
            async (bucket, token) =>
            {
                try
                {
                    var batch = await SequenceAsync(bucket, token);
                    Interlocked.Add(ref events, batch.Events);
                    if (batch.More) more.Enqueue(bucket);
                }
                catch (Exception exception) when (!cancel.IsCancellationRequested)
                {
                    // What one bucket's applications brought about must not keep the others waiting.
                    Interlocked.CompareExchange(ref trouble, exception, null);
                }
            });
        if (trouble is not null) ExceptionDispatchInfo.Throw(trouble);
        Volatile.Write(ref _lastRound, _time.GetTimestamp());
        return new SequencedRound(events, more);
    }

    private async Task<SequencedBatch> SequenceAsync(short bucket, CancellationToken cancel)
    {
        var batch = await _sequencer.RunOnceAsync(bucket, cancel);
        var elsewhere = _pumps.MoreAvailable(bucket, batch, _fresh);
        _fresh.Forget(bucket, batch.Grown.Values.SelectMany(growth => growth.Positions));
        if (elsewhere.Count > 0)
        {
            AnnounceDue();
            await _wake.GrownAsync(elsewhere, _pumps.Owner, cancel);
        }

        return batch;
    }

    /// <summary>Takes endpoints that are due and begins to send to them.</summary>
    /// <returns>How many were taken.</returns>
    public async Task<int> DeliverAsync(CancellationToken cancel, CancellationToken abort)
    {
        var wasSated = IsSated;
        var taken = await _pumps.ClaimAsync(cancel, abort);
        if (!wasSated && IsSated) _wake.LeaveDue();
        return taken;
    }

    /// <summary>Renews the lease of this process, and takes over from nodes that have died.</summary>
    /// <returns>After what time it is to be called again; at least three times within a lease's duration.</returns>
    public Task<TimeSpan> RenewAsync(CancellationToken cancel) => _node.RenewAsync(cancel);

    /// <summary>Makes partitions ahead, drops those that are no longer kept, and gives notice before that; one process at a time, by a lock in the database.</summary>
    public async Task<MaintenanceRound> MaintainAsync(CancellationToken cancel) => LastMaintenance = await _maintenance.RunOnceAsync(null, cancel);

    /// <summary>Ends sending: what is under way is finished and settled, and the endpoints are handed back.</summary>
    public Task StopAsync() => _node.LeaveAsync(_wake.LeavingAsync);

    private void AnnounceDue()
    {
        EndpointsDue?.Invoke();
        if (IsSated) _wake.LeaveDue();
    }
}
