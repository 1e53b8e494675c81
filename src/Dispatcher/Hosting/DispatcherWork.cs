using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Dispatcher.Tasks;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>What one round of sequencing did.</summary>
/// <param name="Events">Events numbered.</param>
/// <param name="More">The buckets that have more pending.</param>
internal sealed record SequencedRound(int Events, IReadOnlyCollection<short> More);

/// <summary>How draining one endpoint ended.</summary>
internal enum DrainEnd
{
    /// <summary>It was not due, somebody else has it, or this node may not take it.</summary>
    NotTaken,

    /// <summary>Nothing is left to send for now.</summary>
    Drained,

    /// <summary>It goes on by itself: an answer is slow, or the endpoint's pace is.</summary>
    Left,

    /// <summary>Its time was used up and it was handed back; there may be more.</summary>
    OutOfTime,
}

/// <summary>
/// The seam between the dispatcher's work and what schedules it, which is an <see cref="IDispatcherHost"/>. Each method does what there is to do and returns; a host calls
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
    private readonly LeaseStore _leases;
    private readonly WebhookTasks _tasks;
    private readonly TimeProvider _time;
    private long _lastRound;

    public DispatcherWork(
        Sequencer sequencer, Pumps pumps, NodeRound node, LiveNodes nodes, FreshEvents fresh, Wake wake, Maintenance maintenance, LeaseStore leases, WebhookTasks tasks,
        TimeProvider time)
    {
        (_sequencer, _pumps, _node, _nodes, _fresh, _wake, _maintenance, _leases, _tasks, _time) = (sequencer, pumps, node, nodes, fresh, wake, maintenance, leases, tasks, time);
        _lastRound = time.GetTimestamp();
        pumps.HandedBack += endpoint => AnnounceDue([endpoint]);
        pumps.Waits += endpoint => EndpointWaits?.Invoke(endpoint);
        pumps.GaveBack += wake.LeaveDue;
        node.TookOver += () =>
        {
            EndpointsDue?.Invoke([]);
            wake.LeaveDue();
        };
        wake.EndpointsDue += () => EndpointsDue?.Invoke([]);
        wake.NodeLeaving += leaving =>
        {
            nodes.Leaving(leaving);
            EndpointsDue?.Invoke([]);
        };
        wake.EndpointChanged += endpoint =>
        {
            // It is taken again with what holds now, if it is still to be sent to.
            pumps.Stop(endpoint);
            EndpointsDue?.Invoke([]);
        };
        wake.EpochRaised += pumps.Refresh;
        wake.StreamsGrew += endpoints => pumps.MoreAvailable(endpoints);
        tasks.Created += () => TasksDue?.Invoke();
    }

    /// <summary>Raised when endpoints may be due that no pump of this process works on: these, or none in particular.</summary>
    public event Action<IReadOnlyCollection<long>>? EndpointsDue;

    /// <summary>Raised with an endpoint that may be due at a later time.</summary>
    public event Action<long>? EndpointWaits;

    /// <summary>Raised when this process has made a task.</summary>
    public event Action? TasksDue;

    /// <summary>What the last round of maintenance did here; null before the first.</summary>
    public MaintenanceRound? LastMaintenance { get; private set; }

    /// <summary>When pending events were last looked for with success.</summary>
    public long LastRound => Volatile.Read(ref _lastRound);

    /// <summary>Whether this node has a lease, without which nothing is sent.</summary>
    public bool HasLease => _pumps.HasLease;

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
            AnnounceDue(elsewhere);
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

    /// <summary>Endpoints that are due and that nobody works on, those first that have been for longest, no more than <paramref name="most"/>.</summary>
    /// <param name="endpoints">Looked at beside those that this node looks after.</param>
    /// <param name="dueFor">Of all endpoints, those that have been due for so long.</param>
    /// <param name="most">How many.</param>
    /// <param name="cancel">Ends it.</param>
    public Task<List<DueEndpoint>> FindDueAsync(IReadOnlyCollection<long> endpoints, TimeSpan? dueFor, int most, CancellationToken cancel) =>
        _leases.FindDueAsync(dueFor is null ? _nodes.Buckets : BucketShare.All, endpoints, dueFor ?? TimeSpan.Zero, most, cancel);

    /// <summary>When these endpoints are due, as far as they are at all and nobody works on them.</summary>
    public Task<List<DueEndpoint>> ReadWaitsAsync(IReadOnlyCollection<long> endpoints, CancellationToken cancel) => _leases.ReadWaitsAsync(endpoints, cancel);

    /// <summary>
    /// Takes one endpoint and sends what it has, for so long at most, and hands it back. Returns sooner when nothing is left or no answer comes: then the pump goes on by itself
    /// in this process, as one that lingers or waits does under any host, and nobody need wait for it.
    /// </summary>
    /// <param name="endpoint">Nothing is done unless it is due and nobody has it: any number may call this at the same time.</param>
    /// <param name="budget">For how long.</param>
    /// <param name="patience">How long to wait for an answer.</param>
    /// <param name="cancel">Hands it back at once.</param>
    /// <param name="abort">Breaks off what is under way; for the end of the process.</param>
    public async Task<DrainEnd> DrainAsync(WebhookEndpointId endpoint, TimeSpan budget, TimeSpan patience, CancellationToken cancel, CancellationToken abort)
    {
        if (await _pumps.ClaimAsync(endpoint, cancel, abort) is not var (pump, run)) return DrainEnd.NotTaken;
        await using var stop = cancel.Register(pump.Stop);
        var began = _time.GetTimestamp();
        var stopped = false;
        while (true)
        {
            var answers = pump.Answers;
            if (await Task.WhenAny(run, pump.Quiet, Task.Delay(patience, _time, abort)) == run) return stopped ? DrainEnd.OutOfTime : DrainEnd.Drained;
            cancel.ThrowIfCancellationRequested();
            if (pump.Quiet.IsCompleted) return DrainEnd.Drained;
            if (pump.Answers == answers) return DrainEnd.Left;
            if (stopped || _time.GetElapsedTime(began) < budget) continue;
            pump.Stop();
            stopped = true;
        }
    }

    /// <summary>Renews the lease of this process, and takes over from nodes that have died.</summary>
    /// <returns>After what time it is to be called again; at least three times within a lease's duration.</returns>
    public Task<TimeSpan> RenewAsync(CancellationToken cancel) => _node.RenewAsync(cancel);

    /// <summary>Makes partitions ahead, drops those that are no longer kept, and gives notice before that; one process at a time, by a lock in the database.</summary>
    public async Task<MaintenanceRound> MaintainAsync(CancellationToken cancel) => LastMaintenance = await _maintenance.RunOnceAsync(null, cancel);

    /// <summary>Does one step of a task that is due.</summary>
    /// <returns>False when none is.</returns>
    public Task<bool> RunTaskAsync(CancellationToken cancel) => _tasks.RunOnceAsync(cancel);

    /// <summary>After a time in which this process heard nothing of what others announced.</summary>
    public void MissedHints()
    {
        _pumps.Refresh();
        _wake.Received(WakeMessages.Published);
    }

    /// <summary>Ends sending: what is under way is finished and settled, and the endpoints are handed back.</summary>
    public Task StopAsync() => _node.LeaveAsync(_wake.LeavingAsync);

    private void AnnounceDue(IReadOnlyCollection<long> endpoints)
    {
        EndpointsDue?.Invoke(endpoints);
        if (IsSated) _wake.LeaveDue();
    }
}
